using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>A VPC; next hops and tables of two VPCs never mix.</summary>
public sealed record VpcId(string RegionId, string Id)
{
    public override string ToString() => $"{RegionId}/{Id}";
}

/// <summary>A node whose lease cannot be routed at all, with the reason for people.</summary>
public sealed record RefusedNode(DesiredRoute Node, string Reason);

/// <summary>What the leases say about one VPC.</summary>
/// <param name="Network">The cluster's network as configured now; null while the configuration is missing or invalid. It never decides
/// about a living lease: a node keeps its route when the configuration changes.</param>
/// <param name="Nodes">Our nodes in it; no two with the same subnet.</param>
/// <param name="Refused">Our nodes in it whose lease cannot be routed at all.</param>
/// <param name="Leaving">Our nodes in it that released their subnet: their routes do not wait for the grace time.</param>
/// <param name="Respected">Subnets whose entries are not touched here: leases of others, living leases of our nodes in other VPCs, and
/// those of
/// <paramref name="Refused"/>.</param>
/// <param name="IsWhole">False when a lease or the configuration could not be read: nothing is concluded from what is absent.</param>
public sealed record DesiredVpcState(
    VpcId Vpc, Ipv4Network? Network, IReadOnlyList<DesiredRoute> Nodes, IReadOnlyList<RefusedNode> Refused,
    IReadOnlyList<DesiredRoute> Leaving, IReadOnlyList<Ipv4Network> Respected, bool IsWhole)
{
    /// <summary>Leases in this VPC that this controller saw end.</summary>
    public IReadOnlyList<EndedLease> Ended { get; init; } = [];

    /// <summary>Leases in this VPC that this controller saw end in the minutes before this view, whether they are there again or
    /// not.</summary>
    public IReadOnlyList<EndedLease> EndedRecently { get; init; } = [];

    /// <summary>Those of <see cref="Leaving"/> that were not seen to be released.</summary>
    public IReadOnlyList<ListedRelease> ListedReleases { get; init; } = [];

    /// <summary>Whose vSwitches' tables count: of a node that leaves, too, as long as its lease is there.</summary>
    public IEnumerable<DesiredRoute> Members => Nodes.Concat(Leaving);

    /// <summary>Groups a snapshot by VPC.</summary>
    public static IReadOnlyDictionary<VpcId, DesiredVpcState> Group(LeaseSnapshot snapshot)
    {
        var groups = new Dictionary<VpcId, LeasesOfVpc>();
        var subnets = new HashSet<Ipv4Network>();
        // Of two leases for one subnet (an IPv4 key and a dual-stack one) the older is right.
        foreach (var lease in snapshot.Leases.OrderBy(lease => lease.CreateRevision))
        {
            if (RouteOf(lease) is not { } wanted) continue;
            var vpc = new VpcId(wanted.Node.RegionId, wanted.Node.VpcId);
            if (!groups.TryGetValue(vpc, out var group)) groups.Add(vpc, group = new LeasesOfVpc());
            if (lease.Subnet.Length == 0) group.Refused.Add(new(wanted, $"{lease.Subnet} is the default route"));
            else if (!subnets.Add(lease.Subnet)) group.Refused.Add(new(wanted, $"another, older lease holds {lease.Subnet}"));
            else (wanted.Node.Released ? group.Leaving : group.Nodes).Add(wanted);
        }

        var others = Others(snapshot);
        return groups.ToDictionary(group => group.Key, group => new DesiredVpcState(
            group.Key, snapshot.Config?.Network, group.Value.Nodes, group.Value.Refused, group.Value.Leaving,
            [
                .. others,
                .. groups.Where(other => other.Key != group.Key).SelectMany(other => other.Value.Nodes).Select(node => node.Destination),
                .. group.Value.Refused.Select(refused => refused.Node.Destination)
                    .Where(subnet => subnet.Length > 0 && !subnets.Contains(subnet)),
            ],
            snapshot.IsWhole && snapshot.Config is not null));
    }

    /// <summary>Whether nothing that matters here has changed, as when another VPC's node joined.</summary>
    public bool SaysTheSameAs(DesiredVpcState other) =>
        Network == other.Network && IsWhole == other.IsWhole && Nodes.SequenceEqual(other.Nodes) && Refused.SequenceEqual(other.Refused)
        && Leaving.SequenceEqual(other.Leaving)
        && Respected.SequenceEqual(other.Respected)
        && Ended.SequenceEqual(other.Ended)
        && EndedRecently.SequenceEqual(other.EndedRecently)
        && ListedReleases.SequenceEqual(other.ListedReleases);

    /// <summary>The same VPC after its last node has gone: what is left in its tables is stale.</summary>
    public DesiredVpcState WithoutNodes(LeaseSnapshot snapshot) => this with
    {
        Network = snapshot.Config?.Network,
        Nodes = [],
        Refused = [],
        Leaving = [],
        IsWhole = snapshot.IsWhole && snapshot.Config is not null,
        Respected =
        [
            .. Others(snapshot),
            .. snapshot.Leases.Select(RouteOf).OfType<DesiredRoute>().Where(route => !route.Node.Released)
                .Select(route => route.Destination),
        ],
    };

    /// <summary>Null for upstream's nodes, which write their own routes, for other backends, and for reservations without a node.</summary>
    public static DesiredRoute? RouteOf(Lease lease) =>
        lease.Attributes.BackendType == FlannelContract.AliVpcBackend
        && AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node
            ? new DesiredRoute(lease, node)
            : null;

    private static IEnumerable<Ipv4Network> Others(LeaseSnapshot snapshot) =>
        snapshot.Leases.Where(lease => RouteOf(lease) is null).Select(lease => lease.Subnet);

    private sealed class LeasesOfVpc
    {
        public List<DesiredRoute> Nodes { get; } = [];
        public List<RefusedNode> Refused { get; } = [];
        public List<DesiredRoute> Leaving { get; } = [];
    }
}
