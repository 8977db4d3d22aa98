using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

internal enum MasqueradeAction { Return, Masquerade }

/// <summary>An address in a rule.</summary>
/// <param name="IsNegated">True if the address must be outside.</param>
internal sealed record AddressMatch(Ipv4Network Range, bool IsNegated = false);

/// <summary>One rule for packets that leave this host. The first rule that matches decides.</summary>
internal sealed record MasqueradeRule(MasqueradeAction Action, AddressMatch? Source, AddressMatch? Destination)
{
    /// <summary>The mark of packets that kube-proxy masquerades itself (KUBE-MARK-MASQ), and its mask.</summary>
    public const uint KubeProxyMark = 0x4000;

    private static readonly Ipv4Network Multicast = Ipv4Network.Parse("224.0.0.0/4");

    /// <summary>Whether the packet must carry <see cref="KubeProxyMark"/>.</summary>
    public bool IsForMarked { get; init; }

    /// <summary>Upstream's rules in upstream's order (pkg/trafficmngr/iptables/iptables.go, masqRules), and the exclusions.</summary>
    public static IReadOnlyList<MasqueradeRule> Compose(FirewallRules rules)
    {
        var network = new AddressMatch(rules.Network);
        var subnet = new AddressMatch(rules.Subnet);
        var outside = new AddressMatch(rules.Network, IsNegated: true);
        return
        [
            new(MasqueradeAction.Return, null, null) { IsForMarked = true },
            new(MasqueradeAction.Return, subnet, network),
            new(MasqueradeAction.Return, network, subnet),
            // Published ports: the packet has already reached the node that owns the container.
            new(MasqueradeAction.Return, outside, subnet),
            .. rules.Excluded.Select(range => new MasqueradeRule(MasqueradeAction.Return, network, new AddressMatch(range))),
            new(MasqueradeAction.Masquerade, network, new AddressMatch(Multicast, IsNegated: true)),
            new(MasqueradeAction.Masquerade, outside, network),
        ];
    }
}
