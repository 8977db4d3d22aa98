using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;

namespace Flannel.Kubernetes.Election;

/// <summary>One term of the elected route controller, from <see cref="KubeElection.CampaignAsync"/>. It is renewed until it is lost or
/// resigned. Thread-safe.</summary>
/// <remarks><see cref="Lost"/> is cancelled five seconds before another node could be elected, counted from before the last renewal was
/// sent.</remarks>
public sealed class KubeTerm : IStoreTerm
{
    // Timers do not run while the machine is suspended: after a resume the end of the term is noticed within this time.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(1);

    private const int MaxResignAttempts = 3;

    private readonly KubeControllerContext context;
    private readonly ControllerApi api;
    private readonly TermFence fence;
    private readonly KubeTermProof proof;
    private readonly CancellationTokenSource stop = new();
    private KubeLease? lease;
    private Task running = Task.CompletedTask;
    private int isResigned;

    /// <param name="lease">As this term's first write left it.</param>
    internal KubeTerm(KubeControllerContext context, TermFence fence, KubeLease lease)
    {
        (this.context, this.fence, this.lease) = (context, fence, lease);
        api = context.Api;
        Statuses = new KubeStatusStore(context, fence);
        Cluster = new KubeClusterStore(context, fence);
        proof = new KubeTermProof(context, fence, Cluster);
    }

    /// <summary>Cancelled as soon as the election is lost, or may be.</summary>
    public CancellationToken Lost => fence.Lost;

    /// <summary>The route statuses, written while this term is held.</summary>
    public KubeStatusStore Statuses { get; }

    /// <summary>The cluster's id, and the routes whose lease is missing, written while this term is held.</summary>
    public KubeClusterStore Cluster { get; }

    IRouteStatusStore IStoreTerm.Statuses => Statuses;

    IClusterIdStore IStoreTerm.Cluster => Cluster;

    private ObjectName Name => ControllerObjects.Election(context.Namespace);

    /// <summary>Starts to renew the term. Once.</summary>
    internal void Start() => running = RunAsync(stop.Token);

    /// <summary>The Lease without a holder. The number of transitions stays: it distinguishes a released Lease from that of a
    /// backup.</summary>
    internal static KubeLease Released(KubeLease lease) =>
        (lease with { HolderIdentity = "" }).With(ControllerObjects.ControllerAnnotation, null);

    /// <summary>Verifies by reads from etcd that the election and the cluster are still this term's and that the leases are as the caller
    /// assumes. <see cref="TermProof.Unproven"/> also if the API server is unavailable.</summary>
    /// <param name="absent">Subnets that no node must have.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    public async ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        if (!fence.IsHeld) return TermProof.Unproven;
        try
        {
            var result = await proof.ProveAsync(absent, unchanged, cancellation);
            if (result == TermProof.Unproven) Lose("its Lease or the cluster's id is not this term's");
            return fence.IsHeld ? result : TermProof.Unproven;
        }
        catch (KubeException)
        {
            return TermProof.Unproven;
        }
    }

    /// <summary>Writes nothing: the controller manager assigns the subnets, and does not know the VPC. A podCIDR that overlaps a vSwitch is
    /// logged and rejected by the plan.</summary>
    public Task<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        Task.FromResult(true);

    /// <summary>Ends the term: cancels <see cref="Lost"/>, then releases the Lease, so that the standby is elected within a
    /// second.</summary>
    public async Task ResignAsync()
    {
        if (Interlocked.Exchange(ref isResigned, 1) != 0) return;
        var isHeld = !Lost.IsCancellationRequested;
        if (isHeld) fence.End();
        stop.Cancel();
        await running.ConfigureAwait(TaskWait.IgnoringFailure);
        fence.Dispose();
        // Another node may hold the Lease since it was read.
        if (!isHeld) lease = null;
        try
        {
            // A stop must be quick: after this time the Lease expires.
            using var timeout = new CancellationTokenSource(ElectionTimes.ResignLimit, context.Time);
            if (await ReleaseAsync(timeout.Token) && isHeld) KubeControllerLog.Resigned(context.Logger);
        }
        catch (Exception e) when (e is KubeException or OperationCanceledException)
        {
            KubeControllerLog.NotReleased(context.Logger, Name, e.Message);
        }
    }

    /// <inheritdoc cref="ResignAsync"/>
    public async ValueTask DisposeAsync() => await ResignAsync();

    private void Lose(string reason)
    {
        if (fence.Lost.IsCancellationRequested) return;
        KubeControllerLog.TermLost(context.Logger, reason);
        fence.End();
        stop.Cancel();
    }

    /// <returns>False if another node holds the Lease, or none does.</returns>
    private async Task<bool> ReleaseAsync(CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < MaxResignAttempts; attempt++)
        {
            lease ??= await api.GetLeaseAsync(ControllerObjects.ElectionName, cancellation);
            if (!fence.Holds(lease)) return false;
            try
            {
                await api.UpdateLeaseAsync(Released(lease!), cancellation);
                return true;
            }
            catch (KubeException e) when (e.Kind == KubeErrorKind.Conflict)
            {
                // The standby wrote its annotation, or the outcome of the last renewal was not known.
                lease = null;
            }
        }

        return false;
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAll(EndAtDeadlineAsync(cancellation), RenewAsync(cancellation));
        }
        finally
        {
            // A term that is not renewed any more is lost, whatever the reason.
            Lose("it is not renewed any more");
        }
    }

    /// <summary>Independent of all requests: the term ends in time even if one hangs.</summary>
    private async Task EndAtDeadlineAsync(CancellationToken cancellation)
    {
        while (fence.SafeTime is var left && left > TimeSpan.Zero)
            await Task.Delay(left < ClockCheck ? left : ClockCheck, context.Time, cancellation);
        Lose("the Kubernetes API was unavailable for its renewal");
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        var pause = ElectionTimes.RenewInterval;
        while (!Lost.IsCancellationRequested)
        {
            await Task.Delay(pause, context.Time, cancellation);
            try
            {
                await LimitedRequest.RunAsync(RenewOnceAsync, ElectionTimes.RenewCallLimit, context.Time, cancellation);
                pause = ElectionTimes.RenewInterval;
            }
            catch (KubeException e)
            {
                // After a conflict at once: the standby writes an annotation of the Lease each minute.
                pause = e.Kind == KubeErrorKind.Conflict && lease is not null ? TimeSpan.Zero : ElectionTimes.RenewRetry;
                lease = null;
            }
        }
    }

    /// <summary>Renews the Lease on the state that was read or written last. If that is not known, it is read first.</summary>
    private async Task<bool> RenewOnceAsync(CancellationToken cancellation)
    {
        // After a suspension of the machine, the timer of the renewal may run before that of the deadline.
        if (!fence.IsHeld)
        {
            Lose("it was not renewed in time");
            return false;
        }

        var current = lease ?? await api.GetLeaseAsync(ControllerObjects.ElectionName, cancellation);
        if (!fence.Holds(current))
        {
            Lose(current is null ? "its Lease was deleted" : "its Lease has another holder");
            return false;
        }

        var sentAt = context.Time.GetTimestamp();
        lease = await api.UpdateLeaseAsync(Renewed(current!), cancellation);
        fence.SetRenewed(sentAt);
        return true;
    }

    private KubeLease Renewed(KubeLease current)
    {
        var renewed = current with { RenewTime = NextRenewTime(current) };
        return context.Versions.ForNext is { } version ? renewed.With(ControllerObjects.NodesVersionAnnotation, version) : renewed;
    }

    /// <summary>Differs from the last one also if the clock of this machine goes back: observers wait for a change. The API server stores
    /// microseconds.</summary>
    private DateTimeOffset NextRenewTime(KubeLease current)
    {
        var now = context.Time.GetUtcNow();
        var isSame = current.RenewTime is { } last && (now - last).Duration() < TimeSpan.FromMilliseconds(1);
        return isSame ? now.AddMilliseconds(2) : now;
    }
}
