using System.Runtime.CompilerServices;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>What the leases say about the routes of one VPC.</summary>
/// <param name="Network">The cluster's network as configured now; null while the configuration is missing or invalid. It does not decide
/// about a lease: a node keeps its route when the configuration changes.</param>
/// <param name="Nodes">The nodes with a route; no two with the same subnet.</param>
/// <param name="Unroutable">The nodes whose lease can have no route.</param>
/// <param name="Released">The nodes that released their subnet and still have a lease.</param>
/// <param name="Excluded">Subnets whose entries are not changed here: leases of upstream's nodes, leases of nodes in other VPCs, and leases
/// of <paramref name="Unroutable"/>.</param>
/// <param name="IsComplete">False if a lease or the configuration could not be read: then the absence of a lease proves nothing.</param>
public sealed record DesiredVpcState(
    VpcId Vpc, IpNetwork? Network, IReadOnlyList<DesiredRoute> Nodes, IReadOnlyList<UnroutableNode> Unroutable,
    IReadOnlyList<DesiredRoute> Released, IReadOnlyList<IpNetwork> Excluded, bool IsComplete)
{
    // A change of one lease leaves the others as the same objects: their values are parsed once and not at each change.
    private static readonly ConditionalWeakTable<Lease, LeasedRoute> RoutesOfLeases = [];

    private sealed record LeasedRoute(DesiredRoute? Route);

    /// <summary>The same for the IPv6 subnets of the leases. The state of IPv6 has none itself.</summary>
    public DesiredVpcState? Ipv6 { get; init; }

    /// <summary>Leases in this VPC that this controller saw end.</summary>
    public IReadOnlyList<EndedLease> Ended { get; init; } = [];

    /// <summary>Leases in this VPC that this controller saw end within the last minutes, also if they exist again.</summary>
    public IReadOnlyList<EndedLease> EndedRecently { get; init; } = [];

    /// <summary>Those of <see cref="Released"/> that are known from a listing alone.</summary>
    public IReadOnlyList<ListedRelease> ListedReleases { get; init; } = [];

    /// <summary>The nodes whose vSwitches determine the serving tables. A node that released its subnet is among them while its lease
    /// exists.</summary>
    public IEnumerable<DesiredRoute> NodesWithLease => Nodes.Concat(Released);

    /// <summary>The routes of both families.</summary>
    public IEnumerable<DesiredRoute> RoutesOfNodes => Ipv6 is null ? Nodes : Nodes.Concat(Ipv6.Nodes);

    /// <summary>The routes of both families that are not possible.</summary>
    public IEnumerable<UnroutableNode> UnroutableNodes => Ipv6 is null ? Unroutable : Unroutable.Concat(Ipv6.Unroutable);

    /// <summary>Groups the leases of a snapshot by VPC.</summary>
    public static IReadOnlyDictionary<VpcId, DesiredVpcState> Group(LeaseSnapshot snapshot)
    {
        var groups = new Dictionary<VpcId, LeasesOfVpc>();
        var subnets = new HashSet<IpNetwork>();
        // Of two leases for one subnet (an IPv4 key and a dual-stack one) the older one gets the route.
        foreach (var lease in snapshot.Leases.OrderBy(lease => lease.Identity.Order))
        {
            if (RouteOf(lease) is not { } route) continue;
            var vpc = VpcId.Of(route.Node);
            if (!groups.TryGetValue(vpc, out var group)) groups.Add(vpc, group = new LeasesOfVpc());
            if (lease.Subnet.Length == 0) group.Unroutable.Add(new(route, $"{lease.Subnet} is the default route"));
            else if (!subnets.Add(lease.Subnet)) group.Unroutable.Add(new(route, $"another, older lease holds {lease.Subnet}"));
            else (route.Node.Released ? group.Released : group.Nodes).Add(route);
        }

        var upstream = UpstreamSubnets(snapshot);
        var ipv6 = new DesiredIpv6Routes(snapshot);
        return groups.ToDictionary(group => group.Key, group => ipv6.AddTo(new DesiredVpcState(
            group.Key, snapshot.Config?.Network, group.Value.Nodes, group.Value.Unroutable, group.Value.Released,
            [
                .. upstream,
                .. groups.Where(other => other.Key != group.Key).SelectMany(other => other.Value.Nodes).Select(node => node.Destination),
                .. group.Value.Unroutable.Select(unroutable => unroutable.Node.Destination)
                    .Where(subnet => subnet.Length > 0 && !subnets.Contains(subnet)),
            ],
            snapshot.IsComplete && snapshot.Config is not null)));
    }

    /// <summary>Value equality with the elements of the lists, which the equality of records does not compare.</summary>
    public bool HasSameContent(DesiredVpcState other) =>
        Network == other.Network && IsComplete == other.IsComplete && Nodes.SequenceEqual(other.Nodes)
        && Unroutable.SequenceEqual(other.Unroutable) && Released.SequenceEqual(other.Released) && Excluded.SequenceEqual(other.Excluded)
        && Ended.SequenceEqual(other.Ended) && EndedRecently.SequenceEqual(other.EndedRecently)
        && ListedReleases.SequenceEqual(other.ListedReleases)
        && (Ipv6 is null || other.Ipv6 is null ? Ipv6 == other.Ipv6 : Ipv6.HasSameContent(other.Ipv6));

    /// <summary>The same VPC after its last node is gone: the remaining routes in its tables are stale.</summary>
    public DesiredVpcState WithoutNodes(LeaseSnapshot snapshot) => new DesiredIpv6Routes(snapshot).AddTo(this with
    {
        Network = snapshot.Config?.Network,
        Nodes = [],
        Unroutable = [],
        Released = [],
        IsComplete = snapshot.IsComplete && snapshot.Config is not null,
        Excluded =
        [
            .. UpstreamSubnets(snapshot),
            .. snapshot.Leases.Select(RouteOf).OfType<DesiredRoute>().Where(route => !route.Node.Released)
                .Select(route => route.Destination),
        ],
    });

    /// <summary>Null for a node of upstream, which writes its own route, for another backend, and for a reservation without a
    /// node.</summary>
    public static DesiredRoute? RouteOf(Lease lease) => RoutesOfLeases.GetValue(lease, ReadRoute).Route;

    private static LeasedRoute ReadRoute(Lease lease) => new(
        lease.Attributes.BackendType == FlannelContract.AliVpcBackend
        && AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node
            ? new DesiredRoute(lease, node)
            : null);

    private static IEnumerable<IpNetwork> UpstreamSubnets(LeaseSnapshot snapshot) =>
        snapshot.Leases.Where(lease => RouteOf(lease) is null).Select(lease => (IpNetwork)lease.Subnet);

    private sealed class LeasesOfVpc
    {
        public List<DesiredRoute> Nodes { get; } = [];
        public List<UnroutableNode> Unroutable { get; } = [];
        public List<DesiredRoute> Released { get; } = [];
    }
}
