using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Planning;

/// <summary>A planned action for an operator: <c>--dry-run</c> prints it, and the log of the plans has it.</summary>
/// <param name="Name">The kind, such as <c>create</c>.</param>
/// <param name="NextHop">Where the route leads, or will lead.</param>
internal sealed record RouteActionText(string Name, string NextHop)
{
    /// <summary>The kinds in the order of a plan.</summary>
    public static readonly IReadOnlyList<string> Names = ["keep", "create", "update", "mark", "delete", "conflict"];

    public static RouteActionText Of(RouteAction action) => new(NameOf(action), NextHopOf(action));

    /// <summary>The kind of an action, without the text of its next hop.</summary>
    public static string NameOf(RouteAction action) => action switch
    {
        RouteAction.Keep or RouteAction.KeepInTransition => "keep",
        RouteAction.Create => "create",
        RouteAction.Update => "update",
        RouteAction.Mark => "mark",
        RouteAction.Delete => "delete",
        RouteAction.Conflict => "conflict",
        _ => throw new InvalidOperationException($"unknown action: {action}"),
    };

    private static string NextHopOf(RouteAction action) => action switch
    {
        RouteAction.Keep keep => Of(keep.Desired.NextHop),
        RouteAction.KeepInTransition { Entry: var entry } => $"{HopsOf(entry)} is {entry.Status}",
        RouteAction.Create create => Of(create.Desired.NextHop),
        RouteAction.Update { Entry: var entry } update => $"{HopsOf(entry)} => {Of(update.Desired.NextHop)}",
        RouteAction.Mark { Entry: var entry } =>
            $"{HopsOf(entry)} {entry.RouteEntryId}, mark before: {OwnershipMark.TokenOf(entry) ?? "-"}",
        RouteAction.Delete { Entry: var entry } => HopsOf(entry),
        RouteAction.Conflict { Entry: var entry, Kind: var kind } =>
            $"{HopsOf(entry)} {kind} {entry.RouteEntryId} {entry.Name}".TrimEnd(),
        _ => throw new InvalidOperationException($"unknown action: {action}"),
    };

    public static string HopsOf(RouteEntry entry) => entry.NextHops.Count == 0 ? "-" : string.Join(' ', entry.NextHops.Select(Of));

    public static string Of(NextHop hop) => $"{hop.Type} {hop.Id}";
}
