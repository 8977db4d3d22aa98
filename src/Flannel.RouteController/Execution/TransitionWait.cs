using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Waits for entries that the cloud is changing, and for writes that the tables do not show yet. They are read again
/// (<see cref="PollBackoff"/>). They delay the next write, which the API would reject, but not for long.</summary>
internal sealed class TransitionWait(VpcContext context, VpcEntries entries, PendingWrites pending)
{
    /// <summary>After this a write is sent in spite of entries in transition.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    private readonly PollBackoff polls = new(context.TransitionTime, context.Time, context.Random);
    private long? since;

    /// <summary>Whether a table of the last <see cref="Observe"/> has an entry in transition.</summary>
    public bool IsWaiting => since is not null;

    /// <summary>Whether the next write still waits for the transition.</summary>
    public bool DelaysWrites => since is { } began && context.Time.GetElapsedTime(began) < LongestDelay;

    public void Observe(IEnumerable<RouteAction> actions)
    {
        var waiting = actions.Where(action => action is RouteAction.KeepInTransition || pending.Contains(action)).ToList();
        foreach (var action in waiting) entries.Invalidate(action.Key, ExpectedAt(action));
        if (waiting.Count > 0)
        {
            since ??= context.Time.GetTimestamp();
            return;
        }

        since = null;
        polls.TransitionsEnded();
    }

    /// <summary>The pause before the tables are read again.</summary>
    public TimeSpan NextPoll() => polls.Next();

    /// <summary>A write was sent: its destinations are read again, or the whole tables if something failed.</summary>
    public void Restart(RouteWrite write, WriteResult result)
    {
        if (result.HasFailures) entries.Invalidate(write.TableIds);
        foreach (var action in write.Actions) entries.Invalidate(action.Key, ExpectedAt(action));
        if (result.HasFailed) polls.Failed();
        else polls.Written();
    }

    /// <summary>What the next read should show.</summary>
    private static ExpectedEntry ExpectedAt(RouteAction action) => action switch
    {
        RouteAction.Create => ExpectedEntry.Present,
        RouteAction.Delete or RouteAction.KeepInTransition { Entry.Status: RouteEntryStatus.Deleting } => ExpectedEntry.Gone,
        _ => ExpectedEntry.AsBefore,
    };
}
