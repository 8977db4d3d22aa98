using System.Collections.Concurrent;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Infrastructure;

/// <summary>The transition time of each VPC, from the writes that this process sent. It is kept when a term ends. Thread-safe.</summary>
public sealed class TransitionTimes
{
    private readonly ConcurrentDictionary<VpcId, TransitionTime> byVpc = new();

    internal TransitionTime Of(VpcId vpc) => byVpc.GetOrAdd(vpc, _ => new TransitionTime());
}

/// <summary>How long a write of one VPC is in transition: from the response until the tables show it. It ends between the last read that
/// showed the write in transition and the first that did not.</summary>
/// <remarks>Not thread-safe: the VPC's own loop uses it, and one term at a time has such a loop.</remarks>
internal sealed class TransitionTime
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
    /// <param name="ended">When this read was sent.</param>
    public void Observe(TimeSpan lastPending, TimeSpan ended)
    {
        if (lastPending > pending || pending >= ended)
        {
            (pending, decay) = (lastPending, Decay);
        }
        else
        {
            pending *= decay;
            decay *= decay;
        }

        var expected = pending + (ended - pending) * Position;
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
