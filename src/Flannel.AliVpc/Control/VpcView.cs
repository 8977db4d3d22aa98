using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.AliVpc.Control;

/// <summary>A VPC; next hops and tables of two VPCs never mix.</summary>
public sealed record VpcId(string RegionId, string Id)
{
    public override string ToString() => $"{RegionId}/{Id}";
}

/// <summary>What the leases say about one VPC.</summary>
/// <param name="Nodes">Our nodes in it; no two with the same subnet.</param>
/// <param name="Refused">Our nodes in it whose lease cannot be routed at all, with the reason for people.</param>
/// <param name="Leaving">Our nodes in it that gave their subnet back: their routes go at once.</param>
/// <param name="Respected">Subnets of others, whatever their VPC, and those of <paramref name="Refused"/>.</param>
/// <param name="IsWhole">False when a lease could not be read: nothing is concluded from what is absent.</param>
public sealed record VpcView(
    VpcId Vpc, Ipv4Network Network, IReadOnlyList<WantedRoute> Nodes, IReadOnlyList<(WantedRoute Node, string Reason)> Refused,
    IReadOnlyList<WantedRoute> Leaving, IReadOnlyList<Ipv4Network> Respected, bool IsWhole, long Revision)
{
    /// <summary>Whose vSwitches' tables count: of a node that leaves, too, as long as its lease is there.</summary>
    public IEnumerable<WantedRoute> Members => Nodes.Concat(Leaving);

    /// <summary>Groups a snapshot by VPC. Empty without a configuration: then nothing may be concluded.</summary>
    public static IReadOnlyDictionary<VpcId, VpcView> Group(LeaseSnapshot snapshot)
    {
        if (snapshot.Config is not { } config) return new Dictionary<VpcId, VpcView>();
        var groups = new Dictionary<VpcId, (List<WantedRoute> Nodes, List<(WantedRoute, string)> Refused, List<WantedRoute> Leaving)>();
        var respected = new List<Ipv4Network>();
        var subnets = new HashSet<Ipv4Network>();
        // Of two leases for one subnet (an IPv4 key and a dual-stack one) the older is right.
        foreach (var lease in snapshot.Leases.OrderBy(lease => lease.CreateRevision))
        {
            if (OursOrNull(lease) is not { } wanted)
            {
                respected.Add(lease.Subnet);
                continue;
            }

            var vpc = new VpcId(wanted.Node.RegionId, wanted.Node.VpcId);
            if (!groups.TryGetValue(vpc, out var group)) groups.Add(vpc, group = ([], [], []));
            if (lease.Subnet.Length == 0 || !config.Network.Contains(lease.Subnet) || lease.Subnet == config.Network)
            {
                group.Refused.Add((wanted, $"{lease.Subnet} is not a part of the network {config.Network}"));
            }
            else if (!subnets.Add(lease.Subnet))
            {
                group.Refused.Add((wanted, $"another, older lease holds {lease.Subnet}"));
            }
            else
            {
                (wanted.Node.Released ? group.Leaving : group.Nodes).Add(wanted);
            }
        }

        return groups.ToDictionary(group => group.Key, group => new VpcView(
            group.Key, config.Network, group.Value.Nodes, group.Value.Refused, group.Value.Leaving,
            [.. respected, .. group.Value.Refused.Select(refused => refused.Item1.Destination)
                .Where(subnet => subnet.Length > 0 && !subnets.Contains(subnet))],
            snapshot.IsWhole, snapshot.Revision));
    }

    /// <summary>Whether nothing that matters here has changed, as when another VPC's node joined.</summary>
    public bool SaysTheSameAs(VpcView other) =>
        Network == other.Network && IsWhole == other.IsWhole && Nodes.SequenceEqual(other.Nodes) && Refused.SequenceEqual(other.Refused)
        && Leaving.SequenceEqual(other.Leaving)
        && Respected.SequenceEqual(other.Respected);

    /// <summary>The same VPC after its last node has gone: what is left in its tables is stale.</summary>
    public VpcView WithoutNodes(LeaseSnapshot snapshot, Ipv4Network network) => this with
    {
        Network = network,
        Nodes = [],
        Refused = [],
        Leaving = [],
        IsWhole = snapshot.IsWhole,
        Revision = snapshot.Revision,
        Respected = [.. snapshot.Leases.Where(lease => OursOrNull(lease) is null).Select(lease => lease.Subnet)],
    };

    /// <summary>Null for upstream's nodes, which write their own routes, for other backends, and for reservations without a node.</summary>
    private static WantedRoute? OursOrNull(Lease lease) =>
        lease.Attributes.BackendType == FlannelContract.AliVpcBackend
        && AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node
            ? new WantedRoute(lease, node)
            : null;
}
