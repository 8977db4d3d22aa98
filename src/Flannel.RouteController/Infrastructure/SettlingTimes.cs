using System.Collections.Concurrent;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Infrastructure;

/// <summary>How long the writes of each VPC took until its tables showed them, as far as this process has seen it. It outlives a term.
/// Thread-safe.</summary>
public sealed class SettlingTimes
{
    private readonly ConcurrentDictionary<VpcId, SettlingTime> byVpc = new();

    internal SettlingTime Of(VpcId vpc) => byVpc.GetOrAdd(vpc, _ => new SettlingTime());
}

/// <summary>How long a write of one VPC probably takes until its tables show it: between the latest read that showed it in transition and
/// the earliest that did not.</summary>
/// <remarks>Not thread-safe: the VPC's own loop uses it, and one term at a time has such a loop.</remarks>
internal sealed class SettlingTime
{
    /// <summary>Where the next read is between the two times. A read that is too early costs another one; a read that is too late delays
    /// nodes.</summary>
    private const double Position = 0.75;

    /// <summary>The cloud may become faster: without this the reads would never become earlier than one that was too early. Squared with
    /// each further read that was not too early.</summary>
    private const double Decay = 0.98;

    /// <summary>A longer time is not waited for in one piece.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private TimeSpan pending;
    private TimeSpan? previous;
    private double decay = Decay;

    /// <summary>From the response to a write: the shorter of the times of the last two, so that one slow write does not delay the nodes
    /// after it. Null while no write was seen to take time.</summary>
    public TimeSpan? Expected { get; private set; }

    /// <summary>A read showed that a write has taken effect.</summary>
    /// <param name="lastPending">When the last read that showed the write in transition was sent: the time since the write.</param>
    /// <param name="settled">When this read was sent.</param>
    public void Observe(TimeSpan lastPending, TimeSpan settled)
    {
        if (lastPending > pending || pending >= settled)
        {
            (pending, decay) = (lastPending, Decay);
        }
        else
        {
            pending *= decay;
            decay *= decay;
        }

        var expected = pending + (settled - pending) * Position;
        Expected = Shortest(expected, previous ?? expected, Longest);
        previous = expected;
    }

    /// <summary>The first read after a write showed that it had taken effect.</summary>
    public void ObserveNone()
    {
        (pending, decay) = (TimeSpan.Zero, Decay);
        Expected /= 2;
        previous = Expected;
    }

    private static TimeSpan Shortest(params ReadOnlySpan<TimeSpan> times)
    {
        var shortest = times[0];
        foreach (var time in times) shortest = time < shortest ? time : shortest;
        return shortest;
    }
}
