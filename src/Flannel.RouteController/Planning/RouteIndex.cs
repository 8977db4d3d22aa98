using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>The routes of one VPC by destination, created once for the plans of all its tables. Without the default route, which never
/// belongs to this program.</summary>
internal sealed class RouteIndex
{
    private readonly Dictionary<IpNetwork, DesiredRoute> desired;
    private readonly Dictionary<IpNetwork, DesiredRoute> released;
    private readonly HashSet<IpNetwork> ended;
    private readonly Lazy<IpNetworkSet> desiredSet;
    private readonly Lazy<IpNetworkSet> excludedSet;

    /// <param name="desired">No two with the same destination.</param>
    /// <param name="excluded">See <see cref="DesiredVpcState.Excluded"/>.</param>
    /// <param name="ended">Subnets whose lease was seen to end.</param>
    public RouteIndex(
        IReadOnlyCollection<DesiredRoute> desired, IReadOnlyCollection<DesiredRoute> released, IReadOnlyCollection<IpNetwork> excluded,
        IReadOnlyCollection<IpNetwork> ended)
    {
        this.desired = ByDestination(desired);
        this.released = ByDestination(released.Where(route => !this.desired.ContainsKey(route.Destination)));
        this.ended = [.. ended];
        // Most plans have no entry without a desired route: then neither set is needed.
        desiredSet = new Lazy<IpNetworkSet>(() => new IpNetworkSet(this.desired.Keys));
        excludedSet = new Lazy<IpNetworkSet>(() => new IpNetworkSet(excluded));
    }

    public IReadOnlyCollection<DesiredRoute> Desired => desired.Values;

    public static RouteIndex Of(DesiredVpcState state) =>
        new(state.Nodes, state.Released, state.Excluded, [.. state.Ended.Select(lease => lease.Subnet)]);

    /// <summary>Null if no route with this destination is desired.</summary>
    public DesiredRoute? DesiredAt(IpNetwork destination) => desired.GetValueOrDefault(destination);

    /// <summary>The route of the node that released the subnet; null if there is none.</summary>
    public DesiredRoute? ReleasedAt(IpNetwork destination) => released.GetValueOrDefault(destination);

    /// <summary>The first desired route that overlaps the destination; null if none does.</summary>
    public DesiredRoute? FirstOverlapped(IpNetwork destination) =>
        desiredSet.Value.FirstOverlap(destination) is { } overlapped ? desired[overlapped] : null;

    public bool OverlapsExcluded(IpNetwork destination) => excludedSet.Value.Overlaps(destination);

    public bool HasEnded(IpNetwork destination) => ended.Contains(destination);

    private static Dictionary<IpNetwork, DesiredRoute> ByDestination(IEnumerable<DesiredRoute> routes)
    {
        var found = new Dictionary<IpNetwork, DesiredRoute>();
        foreach (var route in routes)
        {
            if (route.Destination.Length > 0) found.TryAdd(route.Destination, route);
        }

        return found;
    }
}
