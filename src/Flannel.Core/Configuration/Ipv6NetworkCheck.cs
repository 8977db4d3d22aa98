using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>Upstream's checks of the IPv6 part of the configuration, so that every node reports the same mistakes.</summary>
internal static class Ipv6NetworkCheck
{
    private const int LongestSubnet = 126;
    private const int LongestNetwork = 124;
    private const int DefaultSubnetLength = 64;

    /// <returns>Null if the part is valid.</returns>
    public static Failure? Check(NetworkConfigFields fields)
    {
        var network = fields.Ipv6Network;
        if (fields.HasZeroLengthIpv6Network)
            return new Failure("IPv6Network ::/0 is too wide: it holds every address; give an IPv6 network such as \"fc00::/48\"");
        if (network == default)
            return new Failure("EnableIPv6 is true and IPv6Network is missing: give an IPv6 network such as \"fc00::/48\"");
        var length = CheckSubnetLength(fields.Ipv6SubnetLength, network);
        if (!length.Ok) return new Failure(length.Error);
        return CheckBound("IPv6SubnetMin", fields.Ipv6SubnetMin, network, length.Value)
            ?? CheckBound("IPv6SubnetMax", fields.Ipv6SubnetMax, network, length.Value);
    }

    /// <param name="given">0 if it is not given.</param>
    private static Result<int> CheckSubnetLength(uint given, Ipv6Network network)
    {
        if (given > LongestSubnet) return Result.Failure($"IPv6SubnetLen {given} is too long: it must be less than /127");
        if (given > 0 && given < network.Length + 2)
            return Result.Failure($"IPv6SubnetLen {given} is too short for {network}: the network must hold at least four subnets");
        if (given > 0) return (int)given;
        if (network.Length > LongestNetwork)
            return Result.Failure($"IPv6Network {network} is too small: the longest useful prefix is /{LongestNetwork}");
        return network.Length <= DefaultSubnetLength - 2 ? DefaultSubnetLength : network.Length + 2;
    }

    private static Failure? CheckBound(string name, UInt128 value, Ipv6Network network, int length)
    {
        if (value == UInt128.Zero) return null;
        if (!network.Contains(value))
            return new Failure($"{name} {Ipv6Network.FormatAddress(value)} is not in the range of the IPv6Network {network}");
        return new Ipv6Network(value, length).Address != value
            ? new Failure($"{name} {Ipv6Network.FormatAddress(value)} is not on an IPv6SubnetLen boundary (/{length})")
            : null;
    }
}
