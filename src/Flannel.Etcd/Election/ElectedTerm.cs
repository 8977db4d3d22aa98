using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Microsoft.Extensions.Logging;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Election;

/// <summary>One held election, from <see cref="EtcdElection.CampaignAsync"/>. It renews itself until it is lost or disposed of.</summary>
/// <remarks><see cref="Lost"/> is cancelled a fifth of the term's time before etcd could let anybody else in, counted from before the last
/// renewal was sent. A process that was stopped in between learns it late: before anything that cannot be undone, ask
/// <see cref="ProveAsync"/>; what is written to etcd is fenced (<see cref="ElectionFence"/>) in any case.</remarks>
public sealed class ElectedTerm : IAsyncDisposable
{
    // The term is renewed after a third of its time and must be over after four fifths: what lies between is enough for three members of
    // which two hang, one after the other.
    private const double RenewalInterval = 1.0 / 3;
    private const double RenewalCallLimit = 0.15;

    // etcd's grpc-proxy collects renewals for half a second.
    private static readonly TimeSpan ShortestCallLimit = TimeSpan.FromSeconds(1);

    // Timers stand still while the machine is suspended: the clock is read at least so often.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(1);

    private readonly IEtcd etcd;
    private readonly EtcdKeys keys;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ElectionFence fence;
    private readonly CancellationTokenSource lost = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly Task renewing;
    private LeaseExpiry life;
    private int resigned;

    internal ElectedTerm(IEtcd etcd, EtcdKeys keys, long etcdLeaseId, long revision, LeaseExpiry life, TimeProvider time, ILogger logger)
    {
        this.etcd = etcd;
        this.keys = keys;
        this.time = time;
        this.logger = logger;
        this.life = life;
        fence = new ElectionFence(revision, etcdLeaseId);
        Lost = lost.Token;
        Statuses = new RouteStatusStore(etcd, keys, fence, logger);
        VSwitches = new VSwitchRangeStore(etcd, keys, fence);
        Cluster = new ClusterStore(etcd, keys, fence);
        renewing = RunAsync(stop.Token);
    }

    /// <summary>Cancelled as soon as the election is lost, or may be.</summary>
    public CancellationToken Lost { get; }

    /// <summary>etcd's revision at which the election's key was created.</summary>
    public long Revision => fence.Revision;

    /// <summary>The statuses of routes, written under the fence of this term.</summary>
    public RouteStatusStore Statuses { get; }

    /// <summary>The ranges of the vSwitches, written under the fence of this term.</summary>
    public VSwitchRangeStore VSwitches { get; }

    /// <summary>The cluster's id, and the routes whose lease is missing, written under the fence of this term.</summary>
    public ClusterStore Cluster { get; }

    internal long EtcdLeaseId => fence.EtcdLeaseId;

    /// <summary>Asks etcd, by one linearizable read, whether the election and the cluster are still this term's and the leases are as the
    /// caller believes. <see cref="TermProof.Unproven"/> also when etcd does not answer in time.</summary>
    /// <param name="absent">Subnets that must have no lease.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    public async ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<Ipv4Network> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        if (IsOver()) return TermProof.Unproven;
        try
        {
            var proof = await Cluster.ProveAsync(absent, unchanged, cancellation);
            if (proof == TermProof.Unproven) Lose("the election's key or the cluster's id is another's");
            return IsOver() ? TermProof.Unproven : proof;
        }
        catch (EtcdException)
        {
            return TermProof.Unproven;
        }
    }

    /// <summary>Ends the term: cancels <see cref="Lost"/>, then lets the next one in at once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref resigned, 1) != 0) return;
        var held = !Lost.IsCancellationRequested;
        lost.Cancel();
        stop.Cancel();
        await renewing.ConfigureAwait(TaskWait.IgnoringFailure);
        try
        {
            // Deletes the key with it. An end must be quick: after a second etcd's own clock does it.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), time);
            await etcd.LeaseRevokeAsync(EtcdLeaseId, limit.Token);
            if (held) EtcdLog.Resigned(logger);
        }
        catch (Exception e) when (e is EtcdException or OperationCanceledException)
        {
            EtcdLog.NotRevoked(logger, EtcdLeaseId, e.Message);
        }
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAll(EndInTimeAsync(cancellation), RenewAsync(cancellation), WatchAsync(cancellation));
        }
        finally
        {
            // Nobody holds what nobody tends, whatever the reason.
            Lose("it is not tended any more");
        }
    }

    /// <summary>Independent of every request: however long one hangs, the term ends in time.</summary>
    private async Task EndInTimeAsync(CancellationToken cancellation)
    {
        while (SafeTime() is var left && left > TimeSpan.Zero) await Task.Delay(left < ClockCheck ? left : ClockCheck, time, cancellation);
        Lose("etcd could not be asked to renew it");
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        var pause = life.TimeToLive * RenewalInterval;
        while (!Lost.IsCancellationRequested)
        {
            await Task.Delay(TimerRange.Clamp(pause), time, cancellation);
            var begin = time.GetTimestamp();
            try
            {
                if (await etcd.LeaseKeepAliveOnceAsync(EtcdLeaseId, CallLimit(), cancellation) is not { } timeToLive)
                {
                    Lose("its etcd lease has ended");
                    return;
                }

                Extend(new LeaseExpiry(begin, timeToLive));
                pause = timeToLive * RenewalInterval;
            }
            catch (EtcdException)
            {
                pause = life.TimeToLive / 20;
            }
        }
    }

    /// <summary>An operator may delete the key to have another controller.</summary>
    private async Task WatchAsync(CancellationToken cancellation)
    {
        var from = Revision + 1;
        while (true)
        {
            try
            {
                var ranges = new[] { new WatchCreateRequest { Key = keys.Controller, StartRevision = from } };
                await foreach (var answer in etcd.WatchAsync(ranges, cancellation))
                {
                    // A restored etcd says nothing of revisions that it has not reached yet: watch from where it is.
                    if (answer.Created && answer.Header.Revision < from - 1)
                        throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
                    if (answer.Events.Count == 0) continue;
                    Lose("the election's key was deleted or written over");
                    return;
                }
            }
            catch (EtcdException)
            {
                await Task.Delay(TimerRange.Clamp(life.TimeToLive / 5), time, cancellation);
                // The history since then may be compacted; a look tells as much.
                if (await LookAsync(cancellation) is { } look) from = look + 1;
            }
        }
    }

    /// <returns>The revision at which the election was still held; null if it is not, or etcd does not answer.</returns>
    private async Task<long?> LookAsync(CancellationToken cancellation)
    {
        try
        {
            var answer = await etcd.RangeAsync(new RangeRequest { Key = keys.Controller, KeysOnly = true }, cancellation);
            if (fence.Holds(answer.Kvs)) return answer.Header.Revision;
            Lose("the election's key is another's");
            return null;
        }
        catch (EtcdException)
        {
            return null;
        }
    }

    /// <summary>By the clock itself: after the machine was suspended no timer has told it yet.</summary>
    private bool IsOver()
    {
        if (SafeTime() <= TimeSpan.Zero) Lose("etcd could not be asked to renew it");
        return Lost.IsCancellationRequested;
    }

    private TimeSpan SafeTime()
    {
        lock (gate) return life.Remaining(time) - life.TimeToLive / 5;
    }

    private TimeSpan CallLimit() =>
        life.TimeToLive * RenewalCallLimit is var limit && limit > ShortestCallLimit ? limit : ShortestCallLimit;

    private void Extend(LeaseExpiry renewed)
    {
        lock (gate) life = renewed;
    }

    private void Lose(string reason)
    {
        if (lost.IsCancellationRequested) return;
        EtcdLog.TermLost(logger, reason);
        lost.Cancel();
        stop.Cancel();
    }
}
