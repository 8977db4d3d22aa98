using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

internal enum MasqueradeAction { Return, Masquerade }

/// <summary>An address in a rule.</summary>
/// <param name="IsNegated">True if the address must be outside.</param>
internal sealed record AddressMatch(IpNetwork Range, bool IsNegated = false);

/// <summary>One rule for packets that leave this host. The first rule that matches decides.</summary>
internal sealed record MasqueradeRule(MasqueradeAction Action, AddressMatch? Source, AddressMatch? Destination)
{
    /// <summary>The mark of packets that kube-proxy masquerades itself (KUBE-MARK-MASQ), and its mask.</summary>
    public const uint KubeProxyMark = 0x4000;

    private static readonly IpNetwork Multicast = IpNetwork.Parse("224.0.0.0/4");
    private static readonly IpNetwork Ipv6Multicast = IpNetwork.Parse("ff00::/8");

    /// <summary>Whether the packet must carry <see cref="KubeProxyMark"/>.</summary>
    public bool IsForMarked { get; init; }

    /// <summary>Upstream's rules in upstream's order (pkg/trafficmngr/iptables/iptables.go, masqRules and masqIP6Rules), and the
    /// exclusions.</summary>
    public static IReadOnlyList<MasqueradeRule> Compose(FirewallRules rules)
    {
        var network = new AddressMatch(rules.Network);
        var subnet = new AddressMatch(rules.Subnet);
        var outside = new AddressMatch(rules.Network, IsNegated: true);
        var multicast = rules.Network.IsV6 ? Ipv6Multicast : Multicast;
        return
        [
            new(MasqueradeAction.Return, null, null) { IsForMarked = true },
            new(MasqueradeAction.Return, subnet, network),
            new(MasqueradeAction.Return, network, subnet),
            // Published ports: the packet has already reached the node that owns the container.
            new(MasqueradeAction.Return, outside, subnet),
            .. rules.Excluded.Select(range => new MasqueradeRule(MasqueradeAction.Return, network, new AddressMatch(range))),
            new(MasqueradeAction.Masquerade, network, new AddressMatch(multicast, IsNegated: true)),
            new(MasqueradeAction.Masquerade, outside, network),
        ];
    }
}
