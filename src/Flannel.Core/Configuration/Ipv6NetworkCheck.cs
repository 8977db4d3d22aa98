using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>Upstream's checks of the IPv6 half of the configuration, so that a mistake is named by every node alike.</summary>
internal static class Ipv6NetworkCheck
{
    private const int LongestSubnet = 126;
    private const int LongestNetwork = 124;
    private const int DefaultSubnetLength = 64;

    /// <summary>Null, or what is wrong.</summary>
    public static string? Check(NetworkConfigFields fields)
    {
        var network = fields.Ipv6Network;
        if (fields.HasWholeIpv6Network)
            return "IPv6Network ::/0 is too wide: it holds every address; give an IPv6 network such as \"fc00::/48\"";
        if (network == default)
            return "EnableIPv6 is true and IPv6Network is missing: give an IPv6 network such as \"fc00::/48\"";
        int length;
        if (fields.Ipv6SubnetLength > 0)
        {
            if (fields.Ipv6SubnetLength > LongestSubnet) return $"IPv6SubnetLen {fields.Ipv6SubnetLength} is too long: it must be less than /127";
            if (fields.Ipv6SubnetLength < network.Length + 2)
                return $"IPv6SubnetLen {fields.Ipv6SubnetLength} is too short for {network}: the network must hold at least four subnets";
            length = (int)fields.Ipv6SubnetLength;
        }
        else
        {
            if (network.Length > LongestNetwork) return $"IPv6Network {network} is too small: the longest useful prefix is /{LongestNetwork}";
            length = network.Length <= DefaultSubnetLength - 2 ? DefaultSubnetLength : network.Length + 2;
        }

        return Bound("IPv6SubnetMin", fields.Ipv6SubnetMin, network, length) ?? Bound("IPv6SubnetMax", fields.Ipv6SubnetMax, network, length);
    }

    private static string? Bound(string name, UInt128 value, Ipv6Network network, int length)
    {
        if (value == UInt128.Zero) return null;
        if (!network.Contains(value)) return $"{name} {Ipv6Network.FormatAddress(value)} is not in the range of the IPv6Network {network}";
        return new Ipv6Network(value, length).Address != value
            ? $"{name} {Ipv6Network.FormatAddress(value)} is not on an IPv6SubnetLen boundary (/{length})"
            : null;
    }
}
