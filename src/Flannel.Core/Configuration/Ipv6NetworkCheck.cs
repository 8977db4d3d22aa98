using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>Upstream's checks of the IPv6 part of the configuration, so that every node reports the same mistakes.</summary>
internal static class Ipv6NetworkCheck
{
    private const int LongestSubnet = 126;
    private const int LongestNetwork = 124;
    private const int DefaultSubnetLength = 64;

    /// <summary>Ranges whose addresses no container can use (RFC 4291).</summary>
    private static readonly UnusableRange[] UnusableRanges =
    [
        new(IpNetwork.Parse("fe80::/10"), "link-local"),
        new(IpNetwork.Parse("ff00::/8"), "multicast"),
        new(IpNetwork.Parse("::ffff:0:0/96"), "IPv4-mapped"),
    ];

    private sealed record UnusableRange(IpNetwork Range, string Kind);

    public static Result<Ipv6Config> Check(NetworkConfigFields fields)
    {
        var network = fields.Ipv6Network;
        if (fields.HasZeroLengthIpv6Network)
            return Result.Failure("IPv6Network ::/0 is too wide: it holds every address; give an IPv6 network such as \"fc00::/48\"");
        if (network == default)
            return Result.Failure("EnableIPv6 is true and IPv6Network is missing: give an IPv6 network such as \"fc00::/48\"");
        // Upstream accepts them.
        foreach (var unusable in UnusableRanges.Where(unusable => unusable.Range.Overlaps(network)))
        {
            fields.Warnings.Add(
                $"IPv6Network {network} has {unusable.Kind} addresses ({unusable.Range}), which containers cannot use:"
                + " give a network such as \"fc00::/48\"");
        }

        var length = CheckSubnetLength(fields.Ipv6SubnetLength, network);
        return length.Ok ? CheckRange(fields, network, length.Value) : Result.Failure(length.Error);
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

    private static Result<Ipv6Config> CheckRange(NetworkConfigFields fields, Ipv6Network network, int length)
    {
        var size = UInt128.One << (128 - length);
        // The first subnet is skipped, as that of IPv4 (upstream config.go).
        var min = fields.Ipv6SubnetMin != UInt128.Zero ? fields.Ipv6SubnetMin : network.Address + size;
        var max = fields.Ipv6SubnetMax != UInt128.Zero ? fields.Ipv6SubnetMax : network.Last - (size - 1);
        if (CheckBound("IPv6SubnetMin", min, network, length) is { } badMin) return badMin;
        if (CheckBound("IPv6SubnetMax", max, network, length) is { } badMax) return badMax;
        // Upstream reports "out of subnets" when the first node starts.
        return min > max
            ? Result.Failure($"IPv6SubnetMin {Ipv6Network.FormatAddress(min)} is beyond IPv6SubnetMax"
                + $" {Ipv6Network.FormatAddress(max)}: no IPv6 subnet is left")
            : new Ipv6Config(network, length, min, max);
    }

    /// <returns>Null if the bound is valid.</returns>
    private static Failure? CheckBound(string name, UInt128 value, Ipv6Network network, int length)
    {
        if (!network.Contains(value))
            return new Failure($"{name} {Ipv6Network.FormatAddress(value)} is not in the range of the IPv6Network {network}");
        return new Ipv6Network(value, length).Address != value
            ? new Failure($"{name} {Ipv6Network.FormatAddress(value)} is not on an IPv6SubnetLen boundary (/{length})")
            : null;
    }
}
