using Flannel.Core;
namespace Flannel.RouteController.Infrastructure;

/// <summary>The moments at which one VPC's reconciler has something to do, by name. <see cref="Next"/> is the pause of its loop.</summary>
/// <remarks>Not thread-safe: the VPC's own loop uses it.</remarks>
internal sealed class DeadlineSchedule(TimeProvider time)
{
    private readonly long?[] moments = new long?[(int)Deadline.Status + 1];

    /// <summary>Sets or replaces a deadline.</summary>
    public void Set(Deadline deadline, TimeSpan pause) => moments[(int)deadline] = time.TimestampAfter(pause);

    /// <summary>Sets or replaces a deadline, or removes it if there is none.</summary>
    public void SetOrRemove(Deadline deadline, TimeSpan? left) =>
        moments[(int)deadline] = left is { } pause ? time.TimestampAfter(pause) : null;

    /// <summary>Whether the deadline is set and has not passed.</summary>
    public bool IsPending(Deadline deadline) => moments[(int)deadline] > time.GetTimestamp();

    /// <summary>Removes the deadlines that have passed: the pass that runs now has handled them.</summary>
    public void RemoveElapsed()
    {
        var now = time.GetTimestamp();
        for (var i = 0; i < moments.Length; i++)
        {
            if (moments[i] <= now) moments[i] = null;
        }
    }

    /// <summary>The deadlines that are set, the earliest first.</summary>
    public IReadOnlyList<PendingDeadline> Pending()
    {
        var (now, utc) = (time.GetTimestamp(), time.GetUtcNow());
        List<PendingDeadline> pending = [];
        for (var i = 0; i < moments.Length; i++)
        {
            if (moments[i] is { } moment)
                pending.Add(new PendingDeadline(((Deadline)i).ToString(), utc + time.GetElapsedTime(now, moment)));
        }

        pending.Sort((one, other) => one.At.CompareTo(other.At));
        return pending;
    }

    /// <summary>The time until the earliest deadline; null if none is set. Zero or negative if it has passed.</summary>
    /// <param name="ignored">A deadline that does not count now.</param>
    public TimeSpan? Next(Deadline? ignored = null)
    {
        long? earliest = null;
        for (var i = 0; i < moments.Length; i++)
        {
            if (i != (int?)ignored && moments[i] is { } moment && !(earliest <= moment)) earliest = moment;
        }

        return earliest is { } next ? time.GetElapsedTime(time.GetTimestamp(), next) : null;
    }
}
