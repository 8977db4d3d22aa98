using Flannel.Core;

namespace Flannel.Etcd.Registry;

/// <summary>When a lease is to be renewed.</summary>
/// <param name="margin">Before its end; half of its time if it lives shorter than that.</param>
internal sealed class RenewalSchedule(TimeSpan margin, TimeProvider time, Random random)
{
    // So many attempts fit at least into what is left of a lease's time.
    private const int AttemptsLeft = 5;

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly Backoff backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), random);

    // Nodes that started together are not to renew together.
    private readonly double early = 1 + random.NextDouble() / 8;
    private (long At, TimeSpan Pause)? failed;

    /// <summary>From now; zero or less when it is time, <see cref="TimeSpan.MaxValue"/> for a reservation.</summary>
    public TimeSpan Due(LeaseExpiry? life)
    {
        if (life is not { } held) return TimeSpan.MaxValue;
        if (failed is { } last) return EtcdDurations.Whole(last.Pause - time.GetElapsedTime(last.At));
        var whole = held.TimeToLive;
        if (margin >= whole) return held.Remaining(time) - whole / 2;
        var between = (margin + whole) / 2;
        return EtcdDurations.Whole(held.Remaining(time) - (margin * early < between ? margin * early : between));
    }

    public void Succeeded()
    {
        failed = null;
        backoff.Reset();
    }

    /// <summary>etcd answers again: what failed is tried at once.</summary>
    public void Again() => failed = null;

    /// <param name="life">Of the lease that could not be renewed; the pauses shrink as its end comes near.</param>
    public void Failed(LeaseExpiry? life)
    {
        var pause = backoff.Next();
        if (life is { } held && held.Remaining(time) is var left && left > TimeSpan.Zero)
        {
            var longest = left / AttemptsLeft < Shortest ? Shortest : left / AttemptsLeft;
            if (pause > longest) pause = longest;
        }

        failed = (time.GetTimestamp(), pause);
    }
}
