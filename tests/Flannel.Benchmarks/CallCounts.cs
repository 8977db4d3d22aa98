using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>Counts of API calls and etcd requests by name.</summary>
internal static class CallCounts
{
    public static IReadOnlyDictionary<string, long> Difference(
        IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after) =>
        after.Select(pair => (pair.Key, Count: pair.Value - before.GetValueOrDefault(pair.Key)))
            .Where(pair => pair.Count > 0).ToDictionary(pair => pair.Key, pair => pair.Count);

    /// <summary>API calls, without the metadata service.</summary>
    public static IReadOnlyDictionary<string, long> ByAction(IEnumerable<CloudCall> calls) =>
        calls.Where(call => call.Service != "metadata")
            .GroupBy(call => call.Action).ToDictionary(group => group.Key, group => (long)group.Count());

    public static bool IsRouteWrite(string action) => action is not null
        && action.Contains("RouteEntr", StringComparison.Ordinal)
        && (action.StartsWith("Create", StringComparison.Ordinal) || action.StartsWith("Modify", StringComparison.Ordinal)
            || action.StartsWith("Delete", StringComparison.Ordinal));
}
