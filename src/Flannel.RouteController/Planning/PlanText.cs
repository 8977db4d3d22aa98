using System.Text;

namespace Flannel.RouteController.Planning;

/// <summary>A plan as lines for the log: one for each table, with what is kept as a number and every other action by itself.</summary>
internal static class PlanText
{
    /// <summary>The actions of one kind that a line lists. A longer list is cut.</summary>
    private const int MaxListed = 20;

    /// <summary>Such as <c>table vtb-1: keep 12, create 10.24.5.0/24 -> Instance i-1; held back: delete 10.24.9.0/24 (no evidence
    /// yet)</c>.</summary>
    /// <param name="heldBack">Why an action is not executed now; null for one that may be.</param>
    public static IEnumerable<string> LinesOf(VpcPlan plan, Func<RouteAction, string?> heldBack) =>
        plan.Tables.Where(table => table.Table.HasError || !table.Actions.All(IsKept)).Select(table => LineOf(table, heldBack));

    /// <summary>Such as <c>keep 12, create 1</c>; <c>no routes</c> for an empty plan.</summary>
    public static string CountsOf(IEnumerable<RouteAction> actions)
    {
        var counts = actions.CountBy(NameOf).ToDictionary(count => count.Key, count => count.Value, StringComparer.Ordinal);
        var parts = RouteActionText.Names.Where(counts.ContainsKey).Select(name => $"{name} {counts[name]}").ToList();
        return parts.Count == 0 ? "no routes" : string.Join(", ", parts);
    }

    private static string LineOf(TablePlan plan, Func<RouteAction, string?> heldBack)
    {
        var text = new StringBuilder($"table {plan.Table.Id}: ");
        text.AppendJoin(", ", PartsOf(plan.Actions));
        if (plan.Table.HasError) return text.Append("; the table cannot be read, nothing is written to it").ToString();
        List<string> held = [];
        foreach (var action in plan.Actions.Where(action => !IsKept(action)))
        {
            if (heldBack(action) is { } reason) held.Add($"{NameOf(action)} {action.Destination} ({reason})");
        }

        if (held.Count > 0) text.Append("; held back: ").Append(Join(held));
        return text.ToString();
    }

    private static IEnumerable<string> PartsOf(IReadOnlyList<RouteAction> actions)
    {
        var kept = actions.Count(IsKept);
        if (kept > 0 || actions.Count == 0) yield return $"keep {kept}";
        foreach (var kind in actions.Where(action => !IsKept(action)).GroupBy(NameOf, StringComparer.Ordinal))
            yield return $"{kind.Key} {Join([.. kind.Select(Describe)])}";
    }

    private static string Describe(RouteAction action) => action switch
    {
        RouteAction.Delete { Entry: var entry } delete =>
            $"{entry.RouteEntryId} of {action.Destination} ({(delete.Released is null ? "stale" : "released")})",
        _ => $"{action.Destination} -> {RouteActionText.Of(action).NextHop}",
    };

    private static string Join(List<string> parts) => parts.Count <= MaxListed
        ? string.Join(", ", parts)
        : $"{string.Join(", ", parts.Take(MaxListed))} and {parts.Count - MaxListed} more";

    private static string NameOf(RouteAction action) => RouteActionText.NameOf(action);

    private static bool IsKept(RouteAction action) => action is RouteAction.Keep or RouteAction.KeepInTransition;
}
