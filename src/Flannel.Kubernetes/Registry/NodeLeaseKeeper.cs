using System.Threading.Channels;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Holds the lease of this node: watches its Node, and writes its annotations again if another program changed them. It does not
/// expire: while the API server is unavailable, the node keeps its subnet.</summary>
internal sealed class NodeLeaseKeeper : INodeObserver
{
    // Two programs that write the same annotations must not do so in a busy loop.
    private static readonly TimeSpan FirstRewrite = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRewrite = TimeSpan.FromMinutes(1);

    // A change now and then is repaired at once.
    private static readonly TimeSpan RewriteReset = TimeSpan.FromMinutes(10);

    private readonly KubeContext context;
    private readonly NetConfFile netConf;
    private readonly OwnNode node;
    private readonly HeldLease held;
    private readonly KubeLeaseIdentity identity;
    private readonly ControllerPoll controllerPoll;
    private readonly Backoff rewrites;
    private readonly Channel<LeaseEvent> events = Channel.CreateUnbounded<LeaseEvent>(new() { SingleReader = true });
    private readonly TaskCompletionSource lost = new();
    private readonly Lock configGate = new();
    private ConfigState lastConfig;
    private Lease? confirmed;
    private string lastStatus = "";
    private bool isUnavailable;
    private long? rewrittenAt;

    public NodeLeaseKeeper(KubeContext context, NetConfFile netConf, OwnNode node, IKubeElectionReader election, HeldLease held)
    {
        (this.context, this.netConf, this.node, this.held) = (context, netConf, node, held);
        identity = (KubeLeaseIdentity)held.Lease.Identity;
        lastConfig = new ConfigState.Present(held.Config, held.ConfigRevision);
        rewrites = new Backoff(FirstRewrite, LongestRewrite, context.Random);
        controllerPoll = new ControllerPoll(context, election, held.Lease, events.Writer);
    }

    /// <inheritdoc cref="ISubnetManager.HoldAsync"/>
    public IAsyncEnumerable<LeaseEvent> HoldAsync(CancellationToken cancellation) =>
        EventStream.ReadAsync(events.Reader, RunAsync, cancellation);

    public async Task ListedAsync(NodeListing listing, CancellationToken cancellation)
    {
        isUnavailable = false;
        var found = listing.Nodes.FirstOrDefault(listed => listed.Name == node.Name);
        node.Observe(found);
        if (found is null) Lose(LeaseLoss.Deleted, $"node {node.Name} was deleted");
        else await CheckAsync(found, listing, cancellation);
    }

    public async Task ChangedAsync(KubeNodeEvent change, CancellationToken cancellation)
    {
        if (change is KubeNodeEvent.Deleted)
        {
            node.Observe(null);
            Lose(LeaseLoss.Deleted, $"node {node.Name} was deleted");
        }
        else if (change is KubeNodeEvent.Changed { Node: var changed })
        {
            // An event from between the read and a write of this process is older than what it has written.
            if (ResourceVersion.IsOlder(changed.ResourceVersion, node.NewestVersion)) return;
            node.Observe(changed);
            await CheckAsync(changed, listing: null, cancellation);
        }
    }

    public void Failed(KubeException failure)
    {
        if (!isUnavailable) events.Writer.TryWrite(new LeaseEvent.Unavailable(failure.Message));
        isUnavailable = true;
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watcher = new NodeWatcher(context, node.Name) { NewestKnown = () => node.NewestVersion };
        Task[] running =
        [
            watcher.RunAsync(this, stop.Token), WatchConfigAsync(stop.Token), controllerPoll.RunAsync(stop.Token), lost.Task,
        ];
        try
        {
            // The loops end only by cancellation or by an internal error, which must not be lost.
            await await Task.WhenAny(running);
        }
        finally
        {
            stop.Cancel();
            foreach (var task in running[..^1]) await task.ConfigureAwait(TaskWait.IgnoringFailure);
            events.Writer.TryComplete();
        }
    }

    private async Task WatchConfigAsync(CancellationToken cancellation)
    {
        var revision = held.ConfigRevision;
        while (true)
        {
            await netConf.WaitForChangeAsync(revision, Timeout.InfiniteTimeSpan, cancellation);
            revision = netConf.Read().Revision;
            // The first event confirms the lease.
            if (confirmed is not null) ReportConfig();
        }
    }

    /// <param name="listing">Null after an event of the watch.</param>
    private async Task CheckAsync(KubeNode found, NodeListing? listing, CancellationToken cancellation)
    {
        if (found.Uid != identity.Uid)
        {
            Lose(LeaseLoss.Deleted, $"node {node.Name} was deleted and created again");
            return;
        }

        var subnets = PodCidrs.Parse(found);
        if (!subnets.Ok || subnets.Value != held.Lease.Key)
        {
            Lose(LeaseLoss.Overwritten, subnets.Ok ? $"its podCIDR is {subnets.Value.Subnet} now" : $"node {node.Name} {subnets.Error}");
            return;
        }

        var own = context.Annotations.Overwrite(found, held.Lease.Attributes);
        var attributes = FindAccepted(found, own, listing?.IsRestored ?? false);
        if (attributes is null && !context.Annotations.IsManaged(found) && IsChangedByCommand(own))
        {
            Lose(LeaseLoss.Deleted, "it was released");
            return;
        }

        if (attributes is null)
        {
            found = await RewriteAsync(found, own, cancellation);
            attributes = own;
        }

        Report(found, context.Leases.ToLease(found, held.Lease.Key, attributes), isListed: listing is not null);
    }

    /// <summary>The attributes of the annotations if they are this node's; null if they must be written again. The data of the same
    /// instance may be changed: the command <c>release</c> marks it. After a restore, such a mark is of an earlier release.</summary>
    private LeaseAttributes? FindAccepted(KubeNode found, LeaseAttributes own, bool isRestored)
    {
        if (context.Annotations.Differences(found, own).Count == 0) return own;
        if (isRestored || !context.Annotations.IsManaged(found)) return null;
        return context.Annotations.Find(found) is { } read && read with { BackendData = own.BackendData } == own
            && LeaseInstance.Read(read) is { } instance && instance.Id == LeaseInstance.Read(own)?.Id
                ? read
                : null;
    }

    private bool IsChangedByCommand(LeaseAttributes own) => confirmed is not null && confirmed.Attributes.BackendData != own.BackendData;

    private async Task<KubeNode> RewriteAsync(KubeNode found, LeaseAttributes own, CancellationToken cancellation)
    {
        var changes = context.Annotations.Differences(found, own);
        KubeLog.AnnotationsChanged(context.Logger, node.Name, string.Join(", ", changes.Keys.Order(StringComparer.Ordinal)));
        if (rewrittenAt is { } last && context.Time.GetElapsedTime(last) > RewriteReset) rewrites.Reset();
        await Task.Delay(rewrites.Next(), context.Time, cancellation);
        rewrittenAt = context.Time.GetTimestamp();
        return await node.WriteAsync(found, changes, cancellation);
    }

    private void Report(KubeNode found, Lease lease, bool isListed)
    {
        var status = NodeAnnotations.Text(found, context.Annotations.RouteStatus);
        var isConfirmed = isListed || lease != confirmed;
        if (isConfirmed) events.Writer.TryWrite(new LeaseEvent.Confirmed(lease));
        confirmed = lease;
        if (!isConfirmed && status == lastStatus) return;
        // The configuration first: its change may be the cause of the status.
        ReportConfig();
        lastStatus = status;
        var read = KubeRouteStatus.Read(found, context.Annotations)?.Status;
        if (read is null && status.Length > 0) KubeLog.UnreadableStatus(context.Logger, node.Name, context.Annotations.RouteStatus);
        controllerPoll.SetRouteStatus(read);
        events.Writer.TryWrite(new LeaseEvent.RouteStatusChanged(read));
    }

    private void ReportConfig()
    {
        lock (configGate)
        {
            var config = netConf.Read().Config;
            if (config.IsSameAs(lastConfig)) return;
            lastConfig = config;
            events.Writer.TryWrite(new LeaseEvent.ConfigChanged(config));
        }
    }

    private void Lose(LeaseLoss loss, string reason)
    {
        KubeLog.Lost(context.Logger, held.Lease.Key, node.Name, reason);
        events.Writer.TryWrite(new LeaseEvent.Lost(loss, reason));
        events.Writer.TryComplete();
        lost.TrySetResult();
    }
}
