using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>The desired firewall rules of one network on this host. Pure: neither nft nor iptables is asked.</summary>
/// <param name="Network">The cluster's network of one family. It is part of the rules' names: daemons of two networks do not share a
/// rule.</param>
/// <param name="Subnet">This node's subnet.</param>
public sealed record FirewallRules(IpNetwork Network, IpNetwork Subnet)
{
    /// <summary><c>--ip-masq</c>.</summary>
    public bool Masquerades { get; init; }

    /// <summary>Whether masqueraded packets get a random port. False with <c>--ip-masq-fully-random-disable</c>.</summary>
    public bool IsFullyRandom { get; init; } = true;

    /// <summary><c>--ip-masq-exclude</c>: destinations that see the container's own address.</summary>
    public IReadOnlyList<IpNetwork> Excluded { get; init; } = [];

    /// <summary><c>--iptables-forward-rules</c>.</summary>
    public bool Forwards { get; init; }
}
