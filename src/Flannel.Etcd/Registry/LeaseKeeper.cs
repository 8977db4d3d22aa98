using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Registry;

/// <summary>Keeps a held lease: renews its etcd lease in time, watches its key, and decides what it means when either fails. Beside the
/// key it follows
/// the route's status, the configuration and the controller's name, on the same stream.</summary>
/// <remarks>Only the timestamps of the <see cref="TimeProvider"/> count; they must go on while the machine is suspended. Timers do not: no
/// wait is longer than <see cref="ClockCheck"/>. Whenever the stream was broken, what etcd says when read anew decides, not what
/// was missed.
/// Nothing that etcd answers ends this but the loss of the lease.</remarks>
public sealed class LeaseKeeper
{
    // Timers stand still while the machine is suspended: after that, so much may pass until an expiry is noticed.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(15);

    // Every request has its time-out, every pause is of seconds.
    private static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(10);

    private readonly IEtcd etcd;
    private readonly TimeProvider time;
    private readonly EtcdRetryPolicy retryPolicy;
    private readonly LeaseOwnership claim;
    private readonly NodeKeyWatcher view;
    private readonly RenewalSchedule renewal;
    private readonly Backoff looks;
    private readonly Channel<LeaseEvent> events = Channel.CreateUnbounded<LeaseEvent>(new() { SingleReader = true });
    private readonly ILogger logger;
    private readonly LivenessMonitor loops;
    private readonly Flannel.Core.Leases.Lease held;
    private readonly Lock gate = new();
    private bool unreachable;
    private MonitoredLoop? loop;

    // What the timer looks at, too: under the gate.
    private ITimer? expiry;
    private LeaseExpiry? life;
    private bool expired;

    /// <param name="renewMargin">How long before its end the lease is renewed (<c>subnet-lease-renew-margin</c>); half of its time if that
    /// is shorter.</param>
    /// <param name="leaseTime">Of a lease that must be taken back; null for flannel's 24 h.</param>
    /// <param name="loops">Who wants to know whether it hangs; null for nobody.</param>
    public LeaseKeeper(
        IEtcd etcd,
        EtcdKeys keys,
        HeldLease held,
        TimeSpan renewMargin,
        TimeProvider time,
        Random random,
        ILogger logger,
        TimeSpan? leaseTime = null,
        LivenessMonitor? loops = null)
    {
        this.loops = loops ?? new LivenessMonitor(time);
        this.etcd = etcd;
        this.time = time;
        this.logger = logger;
        this.held = held.Lease;
        retryPolicy = new EtcdRetryPolicy(time, random, logger);
        claim = new LeaseOwnership(etcd, keys, held, leaseTime ?? FlannelContract.LeaseTime, time, random, logger);
        view = new NodeKeyWatcher(etcd, keys, held, events.Writer, logger);
        renewal = new RenewalSchedule(renewMargin, time, random);
        looks = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(5), random);
    }

    /// <summary>Runs as long as it is read; ends after <see cref="LeaseEvent.Lost"/>. To stop reading, or to cancel, keeps the lease in
    /// etcd. Once only.</summary>
    public async IAsyncEnumerable<LeaseEvent> KeepAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = RunAsync(stop.Token);
        try
        {
            while (await events.Reader.WaitToReadAsync(cancellation))
            {
                while (events.Reader.TryRead(out var e)) yield return e;
            }

            await running;
        }
        finally
        {
            stop.Cancel();
            await running.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        using var watched = loop = loops.Begin("the lease's keeper", LongestWork);
        using var timer = time.CreateTimer(_ => TellExpiry(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            lock (gate)
            {
                expiry = timer;
                AwaitExpiry();
            }

            while (true)
            {
                loop.Busy();
                try
                {
                    if (renewal.Due(claim.Life) <= TimeSpan.Zero) await RenewAsync(cancellation);
                    if (await LookAndWatchAsync(cancellation) is { } lost)
                    {
                        EtcdLog.Lost(logger, claim.Lease.Key, lost.Reason);
                        if (lost.Loss == LeaseLoss.Deleted) await claim.EndAsync();
                        events.Writer.TryWrite(lost);
                        return;
                    }

                    await Task.Delay(looks.Next(), time, cancellation);
                }
                catch (EtcdException e)
                {
                    Trouble(e);
                    await retryPolicy.PauseAsync(e, cancellation);
                }
            }
        }
        finally
        {
            await claim.EndUnusedAsync();
            events.Writer.TryComplete();
        }
    }

    /// <returns>The loss, or null to look again.</returns>
    private async Task<LeaseEvent.Lost?> LookAndWatchAsync(CancellationToken cancellation)
    {
        var look = await view.LookAsync(cancellation);
        renewal.Again();
        var before = claim.Life;
        var verdict = await claim.JudgeAsync(look, cancellation);
        if (verdict is OwnershipResult.Gone gone) return new LeaseEvent.Lost(gone.Loss, gone.Reason);
        if (claim.Life != before) Renewed();
        if (verdict is OwnershipResult.LookAgain || !Confirm()) return null;
        view.Tell(look);
        return await WatchAsync(look.Revision, cancellation);
    }

    private async Task<LeaseEvent.Lost?> WatchAsync(long revision, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ranges = view.Ranges(revision + 1);
        await using var stream = etcd.WatchAsync(ranges, stop.Token).GetAsyncEnumerator(CancellationToken.None);
        var next = stream.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                await WaitAsync(next, cancellation);
                if (!next.IsCompleted)
                {
                    if (!await TendAsync(cancellation)) return null;
                    continue;
                }

                if (!await next) throw new EtcdException(EtcdErrorKind.Unavailable, "the watch ended", false);
                var answer = stream.Current;
                if (answer.Created && answer.Header.Revision < revision)
                    throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
                if (answer.Created) Answered();
                if (view.Take(answer) is { } own)
                {
                    var before = claim.Life;
                    var verdict = await claim.JudgeEventAsync(own, cancellation);
                    if (verdict is OwnershipResult.Gone gone) return new LeaseEvent.Lost(gone.Loss, gone.Reason);
                    if (verdict is OwnershipResult.LookAgain) return null;
                    if (claim.Life != before && !Renewed()) return null;
                }

                next = stream.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            // An enumerator may not be disposed of while it is asked.
            stop.Cancel();
            await ((Task)next).ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    /// <summary>Until the watch has something, or a renewal is due.</summary>
    private async Task WaitAsync(Task<bool> next, CancellationToken cancellation)
    {
        var wait = renewal.Due(claim.Life);
        if (wait <= TimeSpan.Zero) return;
        if (wait > ClockCheck) wait = ClockCheck;
        loop?.Idle(wait);
        await TaskWait.WaitAsync(next, wait, time, cancellation);
        loop?.Busy();
    }

    /// <summary>Renews while the stream lives.</summary>
    /// <returns>False to look again: etcd does not know the lease any more, or it was renewed after it had expired.</returns>
    private async Task<bool> TendAsync(CancellationToken cancellation)
    {
        if (renewal.Due(claim.Life) > TimeSpan.Zero) return true;
        try
        {
            if (!await RenewAsync(cancellation)) return false;
            Answered();
        }
        catch (EtcdException e)
        {
            Trouble(e);
        }

        return true;
    }

    private async Task<bool> RenewAsync(CancellationToken cancellation)
    {
        try
        {
            if (!await claim.RenewAsync(cancellation)) return false;
        }
        catch (EtcdException)
        {
            renewal.Failed(claim.Life);
            throw;
        }

        return Renewed();
    }

    /// <returns>False to look again: what was told to be over is used only after that.</returns>
    private bool Renewed()
    {
        renewal.Succeeded();
        if (claim.Life is { } life) EtcdLog.Renewed(logger, claim.Lease.Key, life.TimeToLive.TotalHours);
        lock (gate)
        {
            var inTime = !expired;
            expired = false;
            events.Writer.TryWrite(new LeaseEvent.Renewed(claim.Life?.TimeToLive));
            AwaitExpiry();
            return inTime;
        }
    }

    /// <returns>False when the lease has expired since it was judged.</returns>
    private bool Confirm()
    {
        lock (gate) return !expired && events.Writer.TryWrite(new LeaseEvent.Confirmed(claim.Lease));
    }

    private void Answered()
    {
        unreachable = false;
        looks.Reset();
    }

    private void Trouble(EtcdException e)
    {
        if (!unreachable) events.Writer.TryWrite(new LeaseEvent.Unreachable(e.Message));
        unreachable = true;
    }

    /// <summary>The end of the lease's life is told on time, whatever request hangs then.</summary>
    private void AwaitExpiry()
    {
        life = claim.Life;
        var remaining = life?.Remaining(time) ?? Timeout.InfiniteTimeSpan;
        if (life is not null && remaining < TimeSpan.Zero) remaining = TimeSpan.Zero;
        expiry?.Change(remaining < ClockCheck ? remaining : ClockCheck, Timeout.InfiniteTimeSpan);
    }

    private void TellExpiry()
    {
        lock (gate)
        {
            if (expired || life is not { } last) return;
            if (last.Remaining(time) is var remaining && remaining > TimeSpan.Zero)
            {
                expiry?.Change(remaining < ClockCheck ? remaining : ClockCheck, Timeout.InfiniteTimeSpan);
                return;
            }

            expired = true;
            EtcdLog.Expired(logger, held.Key);
            events.Writer.TryWrite(new LeaseEvent.Expired());
        }
    }
}
