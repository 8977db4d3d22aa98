using Flannel.Core;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Controller;

/// <summary>One term, for the writes that only the elected route controller may send. Kubernetes has no transaction of several objects, so
/// a write is sent only while the clock of this machine proves that no other node can be elected before the write's time limit ends.
/// Thread-safe.</summary>
internal sealed class TermFence : IDisposable
{
    private readonly CancellationTokenSource lost = new();
    private readonly string identity;
    private readonly string uid;
    private readonly int transitions;
    private readonly TimeProvider time;
    private long renewedAt;

    /// <param name="identity">The holder of the Lease in this term. No other term has it: an API server that was restored from a backup
    /// assigns resource versions again.</param>
    /// <param name="lease">As this term's first write left it.</param>
    /// <param name="renewedAt">A timestamp from before that write was sent.</param>
    public TermFence(string identity, KubeLease lease, long renewedAt, TimeProvider time)
    {
        (this.identity, uid, transitions, this.renewedAt, this.time) = (identity, lease.Uid, lease.Transitions, renewedAt, time);
        Lost = lost.Token;
    }

    /// <summary>Cancelled as soon as the election is lost, or may be.</summary>
    public CancellationToken Lost { get; }

    /// <summary>The time left until <see cref="ElectionTimes.RenewDeadline"/>, in whole milliseconds; zero or negative after it.</summary>
    public TimeSpan SafeTime =>
        TimerRange.WholeMilliseconds(ElectionTimes.RenewDeadline - time.GetElapsedTime(Interlocked.Read(ref renewedAt)));

    /// <summary>By the clock as well: after a suspension of the machine no timer has run yet.</summary>
    public bool IsHeld => !lost.IsCancellationRequested && SafeTime > TimeSpan.Zero;

    /// <summary>Whether the Lease is that of this term.</summary>
    public bool Holds(KubeLease? election) =>
        election is not null && election.HolderIdentity == identity && election.Uid == uid && election.Transitions == transitions;

    /// <param name="sentAt">A timestamp from before the renewal was sent.</param>
    public void SetRenewed(long sentAt) => Interlocked.Exchange(ref renewedAt, sentAt);

    /// <summary>The term is over. Once.</summary>
    public void End() => lost.Cancel();

    /// <summary>After <see cref="End"/>.</summary>
    public void Dispose() => lost.Dispose();

    /// <summary>Sends a write if the term is held, with <see cref="ElectionTimes.WriteLimit"/>.</summary>
    /// <returns>False if the term may be over: the write was not sent.</returns>
    /// <exception cref="KubeException">The write failed.</exception>
    public async Task<bool> TryWriteAsync(Func<CancellationToken, Task> write, CancellationToken cancellation)
    {
        if (!IsHeld) return false;
        await LimitedRequest.RunAsync(
            async limited =>
            {
                await write(limited);
                return true;
            },
            ElectionTimes.WriteLimit, time, cancellation);
        return true;
    }
}
