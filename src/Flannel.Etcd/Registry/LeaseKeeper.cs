using System.Threading.Channels;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Registry;

/// <summary>Holds one lease: renews its etcd lease in time, watches its key, and decides what a failure of either means. On the same stream
/// it watches the route status, the configuration and the elected route controller.</summary>
/// <remarks>Only the timestamps of the <see cref="TimeProvider"/> count, which include the time that the machine is suspended. Timers do
/// not, so no wait is longer than <see cref="ClockCheck"/>. After a broken stream the keys are read again, and the result decides, not the
/// events that were missed. Only the loss of the lease ends the loop; no failure of etcd does.</remarks>
internal sealed class LeaseKeeper
{
    // Timers do not run while the machine is suspended: after a resume an expiry is noticed within this time.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(15);

    // Every request has a time-out, and every pause takes seconds.
    private static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan FirstReadPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestReadPause = TimeSpan.FromSeconds(5);

    private readonly EtcdContext context;
    private readonly LivenessMonitor loops;
    private readonly Channel<LeaseEvent> events = Channel.CreateUnbounded<LeaseEvent>(new() { SingleReader = true });
    private readonly NodeKeyWatcher watcher;
    private readonly LeaseOwnership ownership;
    private readonly RenewalSchedule renewal;
    private readonly EtcdRetryPolicy retryPolicy;
    private readonly Backoff readPauses;
    private readonly Lock gate = new();
    private bool isUnavailable;
    private MonitoredLoop? loop;

    // The timer of the expiry reads these too: under the gate.
    private ITimer? expiryTimer;
    private LeaseExpiry? expiry;
    private bool isExpired;

    public LeaseKeeper(EtcdContext context, EtcdSubnetManagerOptions options, LivenessMonitor loops, HeldLease held)
    {
        this.context = context;
        this.loops = loops;
        watcher = new NodeKeyWatcher(context, held, events.Writer);
        ownership = new LeaseOwnership(context, held, options.LeaseTime);
        renewal = new RenewalSchedule(options.RenewMargin, context.Time, context.Random);
        retryPolicy = context.NewRetryPolicy();
        readPauses = new Backoff(FirstReadPause, LongestReadPause, context.Random);
    }

    /// <inheritdoc cref="ISubnetManager.HoldAsync"/>
    public IAsyncEnumerable<LeaseEvent> HoldAsync(CancellationToken cancellation) =>
        EventStream.ReadAsync(events.Reader, RunAsync, cancellation);

    private async Task RunAsync(CancellationToken cancellation)
    {
        using var monitored = loop = loops.Begin("the lease keeper", LongestWork);
        using var timer = context.Time.CreateTimer(_ => ReportExpiry(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            lock (gate)
            {
                expiryTimer = timer;
                ScheduleExpiry();
            }

            events.Writer.TryWrite(await HoldUntilLostAsync(cancellation));
        }
        finally
        {
            await ownership.RevokeUnusedAsync();
            events.Writer.TryComplete();
        }
    }

    private async Task<LeaseEvent.Lost> HoldUntilLostAsync(CancellationToken cancellation)
    {
        while (true)
        {
            loop?.Busy();
            try
            {
                if (renewal.DueIn(ownership.Expiry) <= TimeSpan.Zero) await RenewAsync(cancellation);
                if (await ReadAndWatchAsync(cancellation) is { } lost)
                {
                    EtcdLog.Lost(context.Logger, ownership.Lease.Key, lost.Reason);
                    if (lost.Loss == LeaseLoss.Deleted) await ownership.RevokeAsync();
                    return lost;
                }

                await Task.Delay(readPauses.Next(), context.Time, cancellation);
            }
            catch (EtcdException e)
            {
                ReportUnavailable(e);
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    /// <returns>The loss, or null to read again.</returns>
    private async Task<LeaseEvent.Lost?> ReadAndWatchAsync(CancellationToken cancellation)
    {
        var snapshot = await watcher.ReadAsync(cancellation);
        renewal.RetryNow();
        var before = ownership.Expiry;
        var result = await ownership.CheckAsync(snapshot, cancellation);
        if (result is OwnershipResult.Lost lost) return new LeaseEvent.Lost(lost.Loss, lost.Reason);
        if (ownership.Expiry != before) ReportRenewal();
        if (result is OwnershipResult.ReadAgain || !ReportConfirmed()) return null;
        watcher.Report(snapshot);
        return await WatchAsync(snapshot.Revision, cancellation);
    }

    /// <returns>The loss, or null to read again.</returns>
    private async Task<LeaseEvent.Lost?> WatchAsync(long revision, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ranges = watcher.Ranges(revision + 1);
        await using var stream = context.Etcd.WatchAsync(ranges, stop.Token).GetAsyncEnumerator(CancellationToken.None);
        var next = stream.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                await WaitAsync(next, cancellation);
                if (!next.IsCompleted)
                {
                    if (!await RenewIfDueAsync(cancellation)) return null;
                    continue;
                }

                if (!await next) throw new EtcdException(EtcdErrorKind.Unavailable, "the watch ended", false);
                var response = stream.Current;
                if (response.Created && response.Header.Revision < revision)
                    throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
                if (response.Created) MarkAvailable();
                if (watcher.Apply(response) is { } ownKey)
                {
                    var result = await CheckAsync(ownKey, cancellation);
                    if (result is OwnershipResult.Lost lost) return new LeaseEvent.Lost(lost.Loss, lost.Reason);
                    if (result is OwnershipResult.ReadAgain) return null;
                }

                next = stream.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            // An enumerator must not be disposed of during MoveNextAsync.
            stop.Cancel();
            await ((Task)next).ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    private async Task<OwnershipResult> CheckAsync(OwnKeyEvent change, CancellationToken cancellation)
    {
        var before = ownership.Expiry;
        var result = await ownership.CheckAsync(change, cancellation);
        var isRenewed = result is OwnershipResult.Held && ownership.Expiry != before;
        return isRenewed && !ReportRenewal() ? new OwnershipResult.ReadAgain() : result;
    }

    /// <summary>Returns when the watch has a response or a renewal is due.</summary>
    private async Task WaitAsync(Task<bool> next, CancellationToken cancellation)
    {
        var wait = renewal.DueIn(ownership.Expiry);
        if (wait <= TimeSpan.Zero) return;
        if (wait > ClockCheck) wait = ClockCheck;
        loop?.Idle(wait);
        await TaskWait.WaitAsync(next, wait, context.Time, cancellation);
        loop?.Busy();
    }

    /// <summary>Renews during a watch.</summary>
    /// <returns>False to read again: the etcd lease no longer exists, or it was renewed after it had expired.</returns>
    private async Task<bool> RenewIfDueAsync(CancellationToken cancellation)
    {
        if (renewal.DueIn(ownership.Expiry) > TimeSpan.Zero) return true;
        try
        {
            if (!await RenewAsync(cancellation)) return false;
            MarkAvailable();
        }
        catch (EtcdException e)
        {
            ReportUnavailable(e);
        }

        return true;
    }

    private async Task<bool> RenewAsync(CancellationToken cancellation)
    {
        try
        {
            if (!await ownership.RenewAsync(cancellation)) return false;
        }
        catch (EtcdException)
        {
            renewal.Failed(ownership.Expiry);
            context.Observer.RenewalFailed();
            throw;
        }

        return ReportRenewal();
    }

    /// <returns>False to read again: a lease that was reported as expired is used only after that.</returns>
    private bool ReportRenewal()
    {
        renewal.Succeeded();
        if (ownership.Expiry is { } renewed) EtcdLog.Renewed(context.Logger, ownership.Lease.Key, renewed.TimeToLive.TotalHours);
        lock (gate)
        {
            var isInTime = !isExpired;
            isExpired = false;
            events.Writer.TryWrite(new LeaseEvent.Renewed(ownership.Expiry?.TimeToLive));
            ScheduleExpiry();
            return isInTime;
        }
    }

    /// <returns>False if the lease has expired since it was checked.</returns>
    private bool ReportConfirmed()
    {
        lock (gate) return !isExpired && events.Writer.TryWrite(new LeaseEvent.Confirmed(ownership.Lease));
    }

    private void MarkAvailable()
    {
        isUnavailable = false;
        readPauses.Reset();
    }

    private void ReportUnavailable(EtcdException e)
    {
        if (!isUnavailable) events.Writer.TryWrite(new LeaseEvent.Unavailable(e.Message));
        isUnavailable = true;
    }

    /// <summary>A timer of its own reports the expiry on time, even while a request hangs.</summary>
    private void ScheduleExpiry()
    {
        expiry = ownership.Expiry;
        var remaining = expiry?.Remaining(context.Time) ?? Timeout.InfiniteTimeSpan;
        if (expiry is not null && remaining < TimeSpan.Zero) remaining = TimeSpan.Zero;
        expiryTimer?.Change(remaining < ClockCheck ? remaining : ClockCheck, Timeout.InfiniteTimeSpan);
    }

    private void ReportExpiry()
    {
        lock (gate)
        {
            if (isExpired || expiry is not { } last) return;
            if (last.Remaining(context.Time) is var remaining && remaining > TimeSpan.Zero)
            {
                expiryTimer?.Change(remaining < ClockCheck ? remaining : ClockCheck, Timeout.InfiniteTimeSpan);
                return;
            }

            isExpired = true;
            EtcdLog.Expired(context.Logger, ownership.Lease.Key);
            events.Writer.TryWrite(new LeaseEvent.Expired());
        }
    }
}
