using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>Upstream's defaults and checks, in its order, with messages of the same meaning that also name the value.</summary>
internal static class NetworkConfigCheck
{
    // Each subnet needs at least four addresses and the network at least four subnets (upstream config.go).
    private const int LongestSubnet = 30;
    private const int LongestNetwork = 28;
    private const int DefaultSubnetLength = 24;

    public static NetworkConfigResult Check(NetworkConfigFields fields)
    {
        if (!fields.EnableIpv4) return NetworkConfigResult.Refused("EnableIPv4 is false, and the backends of this build need IPv4");
        var network = fields.Network;
        if (fields.HasWholeNetwork)
            return NetworkConfigResult.Refused(
                "Network 0.0.0.0/0 is too wide: it holds every address; give an IPv4 network such as \"10.24.0.0/16\"");
        if (network == default)
            return NetworkConfigResult.Refused("Network is missing: give an IPv4 network such as \"10.24.0.0/16\"");
        if (SubnetLength(fields.SubnetLength, network, out var length) is { } lengthError) return NetworkConfigResult.Refused(lengthError);
        if (Range(fields, network, length, out var min, out var max) is { } rangeError) return NetworkConfigResult.Refused(rangeError);
        if (fields.EnableIpv6 && Ipv6NetworkCheck.Check(fields) is { } ipv6Error) return NetworkConfigResult.Refused(ipv6Error);
        return new NetworkConfigResult(
            new NetworkConfig
            {
                Network = network,
                SubnetLength = length,
                SubnetMin = min,
                SubnetMax = max,
                Ipv6Network = fields.EnableIpv6 ? fields.Ipv6Network : null,
                BackendType = fields.BackendType,
                Backend = fields.Backend,
                Warnings = fields.Warnings,
            },
            "");
    }

    private static string? SubnetLength(uint given, Ipv4Network network, out int length)
    {
        length = (int)Math.Min(given, int.MaxValue);
        if (given > 0)
        {
            if (given > LongestSubnet) return $"SubnetLen {given} is too long: it must be less than /31";
            return given < network.Length + 2
                ? $"SubnetLen {given} is too short for {network}: the network must hold at least four subnets, so /{network.Length + 2} or longer"
                : null;
        }

        if (network.Length > LongestNetwork) return $"Network {network} is too small: the longest useful prefix is /{LongestNetwork}";
        length = network.Length <= DefaultSubnetLength - 2 ? DefaultSubnetLength : network.Length + 2;
        return null;
    }

    private static string? Range(
        NetworkConfigFields fields, Ipv4Network network, int length, out Ipv4Address min, out Ipv4Address max)
    {
        var size = 1u << (32 - length);
        // The first subnet is skipped: its own address is the network's, which some hosts take for a broadcast (upstream config.go).
        min = fields.SubnetMin != Ipv4Address.Any ? fields.SubnetMin : new Ipv4Address(network.Address.Value + size);
        max = fields.SubnetMax != Ipv4Address.Any ? fields.SubnetMax : new Ipv4Address(network.Last.Value - (size - 1));
        if (!network.Contains(min)) return $"SubnetMin {min} is not in the range of the Network {network}";
        if (!network.Contains(max)) return $"SubnetMax {max} is not in the range of the Network {network}";
        if (min.Value % size != 0) return $"SubnetMin {min} is not on a SubnetLen boundary: a /{length} starts at {new Ipv4Network(min, length).Address}";
        if (max.Value % size != 0) return $"SubnetMax {max} is not on a SubnetLen boundary: a /{length} starts at {new Ipv4Network(max, length).Address}";
        // Upstream says "out of subnets" only when the first node asks; the operator who just wrote it should hear it.
        return min > max ? $"SubnetMin {min} is beyond SubnetMax {max}: no subnet is left" : null;
    }
}
