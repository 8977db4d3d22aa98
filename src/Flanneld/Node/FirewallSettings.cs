using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;

namespace Flanneld.Node;

internal enum ForwardingMode
{
    Off,

    /// <summary>Upstream's default. A daemon without permission runs without the rules.</summary>
    IfPermitted,

    /// <summary>The flag was given: the node is not ready without the rules.</summary>
    Required,
}

/// <summary>The settings of the firewall rules.</summary>
internal sealed record FirewallSettings(FirewallPrograms Programs)
{
    public bool Masquerades { get; init; }

    public bool IsFullyRandom { get; init; } = true;

    public IReadOnlyList<Ipv4Network> Excluded { get; init; } = [];

    public ForwardingMode Forwarding { get; init; }

    /// <summary>Between two checks of the rules; zero for none.</summary>
    public TimeSpan Resync { get; init; }

    /// <summary>Whether the node waits for the rules that the flags require. Not for those of IPv6, whose failure must not take IPv4 from
    /// the containers.</summary>
    public bool IsAwaited { get; init; } = true;

    public FirewallRules CreateRules(IpNetwork network, IpNetwork subnet) => new(network, subnet)
    {
        Masquerades = Masquerades,
        IsFullyRandom = IsFullyRandom,
        Excluded = [.. Excluded.Select(excluded => (IpNetwork)excluded).Where(excluded => excluded.IsV6 == network.IsV6)],
        Forwards = Forwarding == ForwardingMode.Required || (Forwarding == ForwardingMode.IfPermitted && !Programs.LacksPermission()),
    };
}
