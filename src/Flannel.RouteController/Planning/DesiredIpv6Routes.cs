using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>What the leases of one snapshot say about routes of IPv6 subnets. The rules are those of IPv4, with one addition: a route is
/// desired only inside the configured IPv6 network. While the configuration is missing or invalid, the routes of all leases remain
/// desired.</summary>
internal sealed class DesiredIpv6Routes
{
    private readonly LeaseSnapshot snapshot;

    // Of two leases for one IPv6 subnet the older one gets the route.
    private readonly Dictionary<IpNetwork, Lease> holders = [];

    public DesiredIpv6Routes(LeaseSnapshot snapshot)
    {
        this.snapshot = snapshot;
        foreach (var lease in snapshot.Leases.OrderBy(lease => lease.Identity.Order))
        {
            if (lease.Key.Ipv6Subnet is { } subnet) holders.TryAdd(subnet, lease);
        }
    }

    /// <summary>Sets <see cref="DesiredVpcState.Ipv6"/>.</summary>
    /// <param name="ipv4">The nodes and the released nodes of a VPC.</param>
    public DesiredVpcState AddTo(DesiredVpcState ipv4)
    {
        var nodes = new List<DesiredRoute>();
        var unroutable = new List<UnroutableNode>();
        foreach (var route in ipv4.Nodes.Select(node => node.Ipv6).OfType<DesiredRoute>().Where(IsUsed))
        {
            if (ReasonAgainst(route) is { } reason) unroutable.Add(new UnroutableNode(route, reason));
            else nodes.Add(route);
        }

        List<DesiredRoute> released =
            [.. ipv4.Released.Select(node => node.Ipv6).OfType<DesiredRoute>().Where(route => ReasonAgainst(route) is null)];
        var own = nodes.Concat(released).Select(route => route.Destination).ToHashSet();
        IReadOnlyList<IpNetwork> excluded = [.. holders.Keys.Where(subnet => subnet.Length > 0 && !own.Contains(subnet))];
        return ipv4 with
        {
            Ipv6 = new DesiredVpcState(
                ipv4.Vpc, snapshot.Config?.Ipv6?.Network, nodes, unroutable, released, excluded, ipv4.IsComplete),
        };
    }

    /// <summary>False for a node that began without IPv6: in Kubernetes, its Node may have an IPv6 podCIDR all the same.</summary>
    private bool IsUsed(DesiredRoute route) => snapshot.Config is not { Ipv6: null } || route.Lease.Attributes.PublicIpv6 is not null;

    /// <summary>Why the route is not desired; null if it is.</summary>
    private string? ReasonAgainst(DesiredRoute route)
    {
        var subnet = route.Destination;
        if (subnet.Length == 0) return $"{subnet} is the default route";
        if (!ReferenceEquals(holders[subnet], route.Lease)) return $"another, older lease holds {subnet}";
        if (snapshot.Config is not { } config) return null;
        if (config.Ipv6 is not { Network: var network }) return $"the configuration has no IPv6Network; an entry of {subnet} is kept";
        return ((IpNetwork)network).Contains(subnet) ? null : $"{subnet} is outside IPv6Network {network}; an entry of it is kept";
    }
}
