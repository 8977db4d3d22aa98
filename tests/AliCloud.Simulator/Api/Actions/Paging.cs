using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>PageNumber and PageSize of the older lists.</summary>
internal static class Paging
{
    public static ParameterRule Number => Integer("PageNumber", 1, int.MaxValue);

    public static ParameterRule Size(int max) => Integer("PageSize", 1, max);

    public static Page<T> Page<T>(this IEnumerable<T> all, Parameters call)
    {
        var items = all.ToList();
        var (number, size) = (call.Integer("PageNumber", 1), call.Integer("PageSize", 10));
        return new Page<T>(
            [.. items.Skip((int)Math.Min((long)(number - 1) * size, items.Count)).Take(size)], number, size, items.Count);
    }
}

/// <param name="Number">From 1.</param>
/// <param name="Size">The requested size.</param>
/// <param name="Total">The number of items on all pages.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, int Number, int Size, int Total);
