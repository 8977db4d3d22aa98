namespace Flannel.Core.Addresses;

/// <summary>A set of prefixes that finds an overlapping one without comparing all of them. Immutable, and therefore thread-safe.</summary>
/// <remarks>Two prefixes overlap if one contains the other. Those that contain a given prefix are at most one for each length; those that
/// it contains follow it in the order of the addresses.</remarks>
public sealed class IpNetworkSet
{
    private readonly List<IpNetwork> sorted;

    // Ascending: of the prefixes that contain another, the shortest one is the first in the order.
    private readonly List<int> lengths;

    /// <param name="networks">Equal ones count once.</param>
    public IpNetworkSet(IEnumerable<IpNetwork> networks)
    {
        sorted = [.. networks];
        sorted.Sort();
        lengths = [.. sorted.Select(network => network.Length).Distinct().Order()];
    }

    /// <summary>Whether a prefix of the set overlaps this one.</summary>
    public bool Overlaps(IpNetwork network) => FirstOverlap(network) is not null;

    /// <summary>The first prefix in the order of <see cref="IpNetwork.CompareTo"/> that overlaps this one; null if none does.</summary>
    public IpNetwork? FirstOverlap(IpNetwork network)
    {
        foreach (var length in lengths.TakeWhile(length => length <= network.Length))
        {
            var container = new IpNetwork(network.Address, length);
            if (sorted.BinarySearch(container) >= 0) return container;
        }

        var index = sorted.BinarySearch(network);
        var next = index < 0 ? ~index : index;
        return next < sorted.Count && network.Contains(sorted[next]) ? sorted[next] : null;
    }
}
