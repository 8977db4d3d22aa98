using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>The subnet manager in etcd, under one prefix.</summary>
/// <remarks>
/// Two nodes that lease through this class never hold overlapping subnets: a lease is created in a transaction that compares the absence of
/// every overlapping key and the configuration that the subnet was chosen under. Against nodes of upstream flannel this holds at the moment
/// of creation. Upstream renews by a plain write, so an upstream node whose lease expired while it was disconnected may later overwrite the
/// key of the node that took its subnet. <see cref="LeaseKeeper"/> detects that: the value names another node.
/// </remarks>
public sealed class EtcdSubnetManager : ISubnetManager
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly EtcdContext context;
    private readonly EtcdSubnetManagerOptions options;
    private readonly LivenessMonitor loops;
    private readonly RegistryReader reader;
    private readonly LeaseWrites writes;

    /// <param name="loops">Monitors the loop that holds a lease; null for no monitor.</param>
    public EtcdSubnetManager(EtcdContext context, EtcdSubnetManagerOptions? options = null, LivenessMonitor? loops = null)
    {
        this.context = context;
        this.options = options ?? new EtcdSubnetManagerOptions();
        this.loops = loops ?? new LivenessMonitor(context.Time);
        reader = new RegistryReader(context);
        writes = new LeaseWrites(context.Keys);
    }

    public TimeSpan LeaseTime => options.LeaseTime;

    public string Name => EtcdException.ManagerName;

    public string ConfigLocation => context.Keys.Config.ToStringUtf8();

    public string ConfigCommand => $"flanneld config set '{FlannelContract.ExampleConfig}'";

    public string DeletionCommand(SubnetKey key) => $"etcdctl del {context.Keys.Subnets}{key}";

    public async Task<SubnetState> ReadAsync(CancellationToken cancellation) => await reader.ReadAsync(cancellation);

    /// <inheritdoc/>
    /// <remarks>Watches the configuration, and polls every second while it cannot be watched.</remarks>
    public Task<SubnetState> WaitForConfigAsync(ConfigRequest request, SubnetState? known, CancellationToken cancellation)
    {
        var retryPolicy = context.NewRetryPolicy();
        return request.WaitAsync(
            known, () => retryPolicy.RetryAsync(ReadStateAsync, retryRejected: false, cancellation),
            (revision, atMost) => WaitForConfigChangeAsync(revision, atMost, cancellation));

        async Task<SubnetState> ReadStateAsync(CancellationToken token) =>
            request.Owner is { } owner ? await reader.ReadAsync(owner, token) : await reader.ReadAsync(token);
    }

    public Task WaitForConfigChangeAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(new WatchCreateRequest { Key = context.Keys.Config, StartRevision = revision + 1 }, atMost, cancellation);

    public Task WaitForFreeSubnetAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(LeaseWatcher.Range(context.Keys, revision + 1), atMost, cancellation);

    /// <summary>A node chooses its subnet itself: no result of <see cref="AcquireAsync"/> leads here.</summary>
    public Task WaitForAssignmentAsync(AcquireResult.Unassigned result, TimeSpan atMost, CancellationToken cancellation) =>
        throw new NotSupportedException("etcd assigns no subnets");

    public Task<AcquireResult> AcquireAsync(AcquireRequest request, SubnetState? known, CancellationToken cancellation) =>
        new SubnetAcquirer(context, reader, request, options.LeaseTime).RunAsync(known as RegistryState, cancellation);

    public IAsyncEnumerable<LeaseEvent> HoldAsync(HeldLease held, CancellationToken cancellation) =>
        new LeaseKeeper(context, options, loops, held).HoldAsync(cancellation);

    /// <summary>No program reads it from etcd.</summary>
    public Task ReportReadyAsync(CancellationToken cancellation) => Task.CompletedTask;

    public IAsyncEnumerable<LeaseSnapshot> WatchLeasesAsync(CancellationToken cancellation) =>
        new LeaseWatcher(context).WatchAsync(cancellation);

    public IAsyncEnumerable<RouteStatusSnapshot> WatchRouteStatusesAsync(CancellationToken cancellation) =>
        new RouteStatusWatcher(context).WatchAsync(cancellation);

    public async Task<Lease?> UpdateAsync(Lease lease, LeaseAttributes attributes, CancellationToken cancellation)
    {
        var response = await context.Etcd.TxnAsync(writes.Update(lease, attributes), cancellation);
        return response.Succeeded ? lease with { Attributes = attributes, Version = response.Header.Revision } : null;
    }

    public async Task<bool> ReleaseAsync(Lease lease, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(lease.EtcdLeaseId);
        var response = await context.Etcd.TxnAsync(writes.Delete(lease), cancellation);
        // The route status is attached to the same etcd lease.
        if (response.Succeeded) await context.Etcd.LeaseRevokeAsync(lease.EtcdLeaseId, cancellation);
        return response.Succeeded;
    }

    public async Task<RouteStatus?> ReadRouteStatusAsync(SubnetKey key, CancellationToken cancellation)
    {
        var request = new RangeRequest { Key = context.Keys.Route(key.ToString()) };
        var response = await context.Etcd.RangeAsync(request, cancellation);
        return response.Kvs is [var pair] ? RouteStatus.Parse(pair.Value.Span) : null;
    }

    public async Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation)
    {
        var response = await context.Etcd.RangeAsync(new RangeRequest { Key = context.Keys.Controller }, cancellation);
        return ControllerHolderValue.Read(response.Kvs.FirstOrDefault());
    }

    public Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation) =>
        new NonCandidateStore(context).ReadAsync(limit, cancellation);

    public Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation) =>
        new NonCandidateStore(context).DeleteAsync(instanceId, cancellation);

    private async Task WaitAsync(WatchCreateRequest range, TimeSpan atMost, CancellationToken cancellation)
    {
        using var limit = new TimeLimit(atMost, context.Time, cancellation);
        try
        {
            await foreach (var response in context.Etcd.WatchAsync([range], limit.Token))
            {
                if (response.Events.Any(IsRelevant)) return;
                // A restored etcd has an older revision than the state that was read. Its content is a change, too.
                if (response.Created && response.Header.Revision < range.StartRevision - 1)
                    throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
            }
        }
        catch (EtcdException)
        {
            await Task.Delay(PollInterval, context.Time, cancellation);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The time-out.
        }
    }

    /// <summary>Other nodes create and renew leases every few seconds. That frees no subnet.</summary>
    private bool IsRelevant(Event change) => change.Type == Event.Types.EventType.Delete || change.Kv.Key.Equals(context.Keys.Config);
}
