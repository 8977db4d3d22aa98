namespace Flannel.RouteController.Infrastructure;

/// <summary>Pauses between reads of entries in transition. The first read follows a write at once, because many writes need no time. The
/// second is at the time that earlier writes of the VPC took; if that is long, one read is halfway, because this write may be faster. The
/// others grow by half each time, so that a change is noticed with a delay of at most half of its duration.</summary>
internal sealed class PollBackoff(TransitionTime transitionTime, TimeProvider time, Random random)
{
    // Milliseconds.
    private const double First = 60;
    private const double Longest = 30_000;
    private const double Growth = 1.5;

    /// <summary>Spreads the reads of the controllers of an account.</summary>
    private const double Jitter = 0.05;

    /// <summary>The part of the expected time that passes before the next read when the expected time was too short.</summary>
    private const double Correction = 0.125;

    /// <summary>Of a longer expected time, a read is halfway.</summary>
    private static readonly TimeSpan LongestInOnePiece = TimeSpan.FromSeconds(1);

    private double bound = First;
    private long? writtenAt;
    private int reads;

    // When the last two reads were due: the time since the write.
    private TimeSpan lastRead;
    private TimeSpan nextRead;

    /// <summary>A write was accepted now.</summary>
    public void Written() => (writtenAt, reads, lastRead, nextRead, bound) = (time.GetTimestamp(), 0, default, default, First);

    /// <summary>A write failed: its tables are read again soon.</summary>
    public void Failed() => (writtenAt, bound) = (null, First);

    /// <summary>The pause before the next read. Called after a write, and after each read that shows an entry in transition.</summary>
    public TimeSpan Next()
    {
        if (writtenAt is not { } written) return NextGrowing();
        var elapsed = time.GetElapsedTime(written);
        var pause = reads++ switch
        {
            0 => TimeSpan.Zero,
            1 when transitionTime.Expected > LongestInOnePiece => NextAt(transitionTime.Expected.Value / 2, elapsed) ?? NextGrowing(),
            1 => NextExpected(elapsed) ?? NextGrowing(),
            2 when transitionTime.Expected > LongestInOnePiece => NextExpected(elapsed) ?? NextGrowing(),
            _ => NextGrowing(),
        };
        (lastRead, nextRead) = (nextRead, elapsed + pause);
        return pause;
    }

    /// <summary>No entry is in transition any more.</summary>
    public void TransitionsEnded()
    {
        bound = First;
        if (writtenAt is null) return;
        writtenAt = null;
        if (reads > 1) transitionTime.Observe(lastRead, nextRead);
        else transitionTime.ObserveNone();
    }

    private TimeSpan? NextExpected(TimeSpan elapsed)
    {
        if (transitionTime.Expected is not { } expected || NextAt(expected, elapsed) is not { } pause) return null;
        bound = Math.Max(First, expected.TotalMilliseconds * Correction);
        return pause;
    }

    /// <returns>Null if the time has passed already.</returns>
    private TimeSpan? NextAt(TimeSpan sinceWrite, TimeSpan elapsed)
    {
        var pause = sinceWrite * (1 + random.NextDouble() * Jitter) - elapsed;
        return pause > TimeSpan.Zero ? pause : null;
    }

    private TimeSpan NextGrowing()
    {
        var pause = bound * (0.75 + random.NextDouble() / 4);
        bound = Math.Min(Longest, bound * Growth);
        return TimeSpan.FromMilliseconds(pause);
    }
}
