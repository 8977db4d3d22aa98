using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Waits for entries that the cloud is changing, and for writes that the tables do not show yet. Their tables are read again
/// (<see cref="PollBackoff"/>). They delay the next write, which the API would reject, but not for long.</summary>
internal sealed class TransitionWait(VpcContext context, VpcEntries entries, PendingWrites pending)
{
    /// <summary>After this a write is sent in spite of entries in transition.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    private readonly PollBackoff polls = new(context.Settling, context.Time, context.Random);
    private long? since;

    /// <summary>Whether a table of the last <see cref="Observe"/> has an entry in transition.</summary>
    public bool IsWaiting => since is not null;

    /// <summary>Whether the next write still waits for the transition.</summary>
    public bool DelaysWrites => since is { } began && context.Time.GetElapsedTime(began) < LongestDelay;

    public void Observe(IEnumerable<RouteAction> actions)
    {
        var tables = actions.Where(action => action is RouteAction.KeepInTransition || pending.Contains(action))
            .Select(action => action.RouteTableId).Distinct().ToList();
        entries.Invalidate(tables);
        if (tables.Count > 0)
        {
            since ??= context.Time.GetTimestamp();
            return;
        }

        since = null;
        polls.Settled();
    }

    /// <summary>The pause before the tables are read again.</summary>
    public TimeSpan NextPoll() => polls.Next();

    /// <summary>A write was sent: its tables are read again.</summary>
    public void Restart(RouteWrite write, bool hasFailed)
    {
        entries.Invalidate(write.TableIds);
        if (hasFailed) polls.Failed();
        else polls.Written();
    }
}
