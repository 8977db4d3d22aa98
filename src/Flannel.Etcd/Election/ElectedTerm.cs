using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Election;

/// <summary>One term of the elected route controller, from <see cref="EtcdElection.CampaignAsync"/>. It is renewed until it is lost or
/// resigned. Thread-safe.</summary>
/// <remarks><see cref="Lost"/> is cancelled a fifth of the term's time before etcd could let another node be elected, counted from before
/// the last renewal was sent. A process that was suspended meanwhile notices late: before any write that cannot be undone, call
/// <see cref="ProveAsync"/>. Writes to etcd are fenced in any case (<see cref="ElectionFence"/>).</remarks>
public sealed class ElectedTerm : IStoreTerm
{
    // The term is renewed after a third of its time and ends after four fifths. The time between is sufficient for three members of which
    // two hang, one after the other.
    private const double RenewalInterval = 1.0 / 3;
    private const double RenewalCallLimit = 0.15;
    private const double RenewalRetry = 0.05;
    private const double SafetyMargin = 0.2;
    private const double WatchRetry = 0.2;

    // etcd's grpc-proxy collects renewals for half a second.
    private static readonly TimeSpan ShortestCallLimit = TimeSpan.FromSeconds(1);

    // Timers do not run while the machine is suspended: after a resume the end of the term is noticed within this time.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(1);

    // The daemon waits for this revocation before it stops.
    private static readonly TimeSpan RevokeLimit = TimeSpan.FromSeconds(1);

    private readonly EtcdContext context;
    private readonly ElectionFence fence;
    private readonly CancellationTokenSource lost = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private LeaseExpiry expiry;
    private Task running = Task.CompletedTask;
    private int isResigned;

    internal ElectedTerm(EtcdContext context, ElectionFence fence, LeaseExpiry expiry)
    {
        this.context = context;
        this.fence = fence;
        this.expiry = expiry;
        Lost = lost.Token;
        Statuses = new RouteStatusStore(context, fence);
        VSwitches = new VSwitchRangeStore(context, fence);
        Cluster = new ClusterStore(context, fence);
    }

    /// <summary>Cancelled as soon as the election is lost, or may be.</summary>
    public CancellationToken Lost { get; }

    /// <summary>etcd's revision at which the election's key was created.</summary>
    public long Revision => fence.Revision;

    /// <summary>The route statuses, written under the fence of this term.</summary>
    public RouteStatusStore Statuses { get; }

    /// <summary>The ranges of the vSwitches, written under the fence of this term.</summary>
    public VSwitchRangeStore VSwitches { get; }

    /// <summary>The cluster's id, and the routes whose lease is missing, written under the fence of this term.</summary>
    public ClusterStore Cluster { get; }

    IRouteStatusStore IStoreTerm.Statuses => Statuses;

    IClusterIdStore IStoreTerm.Cluster => Cluster;

    internal long EtcdLeaseId => fence.EtcdLeaseId;

    /// <summary>Starts to renew and watch the term. Once.</summary>
    internal void Start() => running = RunAsync(stop.Token);

    /// <summary>Verifies by one linearizable read that the election and the cluster are still this term's and that the leases are as the
    /// caller assumes. <see cref="TermProof.Unproven"/> also if etcd is unavailable.</summary>
    /// <param name="absent">Subnets that must have no lease.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    public async ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        if (IsOver()) return TermProof.Unproven;
        try
        {
            var proof = await Cluster.ProveAsync(absent, unchanged, cancellation);
            if (proof == TermProof.Unproven) Lose("the election's key or the cluster's id is not this term's");
            return IsOver() ? TermProof.Unproven : proof;
        }
        catch (EtcdException)
        {
            return TermProof.Unproven;
        }
    }

    public Task<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        VSwitches.PublishAsync(vpcId, ranges, cancellation);

    /// <summary>Ends the term: cancels <see cref="Lost"/>, then deletes the key, so that another node is elected at once.</summary>
    public async Task ResignAsync()
    {
        if (Interlocked.Exchange(ref isResigned, 1) != 0) return;
        var isHeld = !Lost.IsCancellationRequested;
        lost.Cancel();
        stop.Cancel();
        await running.ConfigureAwait(TaskWait.IgnoringFailure);
        try
        {
            // Deletes the key with it. A stop must be quick: after this time the lease expires by etcd's own clock.
            using var timeout = new CancellationTokenSource(RevokeLimit, context.Time);
            await context.Etcd.LeaseRevokeAsync(EtcdLeaseId, timeout.Token);
            if (isHeld) EtcdLog.Resigned(context.Logger);
        }
        catch (Exception e) when (e is EtcdException or OperationCanceledException)
        {
            EtcdLog.NotRevoked(context.Logger, EtcdLeaseId, e.Message);
        }
    }

    /// <inheritdoc cref="ResignAsync"/>
    public async ValueTask DisposeAsync() => await ResignAsync();

    private async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAll(EndAtDeadlineAsync(cancellation), RenewAsync(cancellation), WatchAsync(cancellation));
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
        while (SafeTime() is var left && left > TimeSpan.Zero)
            await Task.Delay(left < ClockCheck ? left : ClockCheck, context.Time, cancellation);
        Lose("etcd was unavailable for its renewal");
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        var pause = expiry.TimeToLive * RenewalInterval;
        while (!Lost.IsCancellationRequested)
        {
            await Task.Delay(TimerRange.Clamp(pause), context.Time, cancellation);
            var begin = context.Time.GetTimestamp();
            try
            {
                if (await context.Etcd.LeaseKeepAliveOnceAsync(EtcdLeaseId, CallLimit(), cancellation) is not { } timeToLive)
                {
                    Lose("its etcd lease has expired");
                    return;
                }

                lock (gate) expiry = new LeaseExpiry(begin, timeToLive);
                pause = timeToLive * RenewalInterval;
            }
            catch (EtcdException)
            {
                pause = expiry.TimeToLive * RenewalRetry;
            }
        }
    }

    /// <summary>An operator may delete the key to have another controller elected.</summary>
    private async Task WatchAsync(CancellationToken cancellation)
    {
        var from = Revision + 1;
        while (true)
        {
            try
            {
                var range = new WatchCreateRequest { Key = context.Keys.Controller, StartRevision = from };
                await foreach (var response in context.Etcd.WatchAsync([range], cancellation))
                {
                    // A restored etcd reports nothing before it reaches this revision again: the watch starts at its current one.
                    if (response.Created && response.Header.Revision < from - 1)
                        throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
                    if (response.Events.Count == 0) continue;
                    Lose("the election's key was deleted or overwritten");
                    return;
                }
            }
            catch (EtcdException)
            {
                await Task.Delay(TimerRange.Clamp(expiry.TimeToLive * WatchRetry), context.Time, cancellation);
                // The history since then may be compacted. A read is sufficient.
                if (await ReadHeldRevisionAsync(cancellation) is { } revision) from = revision + 1;
            }
        }
    }

    /// <returns>The revision at which the election was still held; null if it is not, or etcd is unavailable.</returns>
    private async Task<long?> ReadHeldRevisionAsync(CancellationToken cancellation)
    {
        try
        {
            var request = new RangeRequest { Key = context.Keys.Controller, KeysOnly = true };
            var response = await context.Etcd.RangeAsync(request, cancellation);
            if (fence.Holds(response.Kvs)) return response.Header.Revision;
            Lose("the election's key is not this term's");
            return null;
        }
        catch (EtcdException)
        {
            return null;
        }
    }

    /// <summary>By the clock: after a resume no timer has run yet.</summary>
    private bool IsOver()
    {
        if (SafeTime() <= TimeSpan.Zero) Lose("etcd was unavailable for its renewal");
        return Lost.IsCancellationRequested;
    }

    private TimeSpan SafeTime()
    {
        lock (gate) return expiry.Remaining(context.Time) - expiry.TimeToLive * SafetyMargin;
    }

    private TimeSpan CallLimit() =>
        expiry.TimeToLive * RenewalCallLimit is var limit && limit > ShortestCallLimit ? limit : ShortestCallLimit;

    private void Lose(string reason)
    {
        if (lost.IsCancellationRequested) return;
        EtcdLog.TermLost(context.Logger, reason);
        lost.Cancel();
        stop.Cancel();
    }
}
