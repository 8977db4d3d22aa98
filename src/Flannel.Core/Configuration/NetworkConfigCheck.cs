using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>Upstream's defaults and checks, in its order. The messages have the same meaning, and name the value too.</summary>
internal static class NetworkConfigCheck
{
    // Each subnet needs at least four addresses, and the network at least four subnets (upstream config.go).
    private const int LongestSubnet = 30;
    private const int LongestNetwork = 28;
    private const int DefaultSubnetLength = 24;

    private sealed record SubnetRange(Ipv4Address Min, Ipv4Address Max);

    public static Result<NetworkConfig> Check(NetworkConfigFields fields)
    {
        // A lease in etcd is named by its IPv4 subnet (upstream pkg/subnet/subnet.go, ParseSubnetKey): upstream's etcd subnet manager
        // cannot lease IPv6 alone either. Its Kubernetes subnet manager can.
        if (!fields.EnableIpv4) return Result.Failure("EnableIPv4 is false, and a lease needs an IPv4 subnet");
        if (fields.HasZeroLengthNetwork)
        {
            return Result.Failure(
                "Network 0.0.0.0/0 is too wide: it holds every address; give an IPv4 network such as \"10.24.0.0/16\"");
        }

        if (fields.Network == default) return Result.Failure("Network is missing: give an IPv4 network such as \"10.24.0.0/16\"");
        var length = CheckSubnetLength(fields.SubnetLength, fields.Network);
        if (!length.Ok) return Result.Failure(length.Error);
        var range = CheckRange(fields, fields.Network, length.Value);
        if (!range.Ok) return Result.Failure(range.Error);
        var ipv6 = fields.EnableIpv6 ? Ipv6NetworkCheck.Check(fields) : (Result<Ipv6Config>?)null;
        if (ipv6 is { Ok: false, Error: { } error }) return Result.Failure(error);
        return new NetworkConfig
        {
            Network = fields.Network,
            SubnetLength = length.Value,
            SubnetMin = range.Value.Min,
            SubnetMax = range.Value.Max,
            Ipv6 = ipv6?.Value,
            EnableNfTables = fields.EnableNfTables,
            BackendType = fields.BackendType,
            Backend = fields.Backend,
            Warnings = fields.Warnings,
        };
    }

    /// <param name="given">0 if it is not given.</param>
    private static Result<int> CheckSubnetLength(uint given, Ipv4Network network)
    {
        if (given > LongestSubnet) return Result.Failure($"SubnetLen {given} is too long: it must be less than /31");
        if (given > 0 && given < network.Length + 2)
        {
            return Result.Failure($"SubnetLen {given} is too short for {network}:"
                + $" the network must hold at least four subnets, so /{network.Length + 2} or longer");
        }

        if (given > 0) return (int)given;
        if (network.Length > LongestNetwork)
            return Result.Failure($"Network {network} is too small: the longest useful prefix is /{LongestNetwork}");
        return network.Length <= DefaultSubnetLength - 2 ? DefaultSubnetLength : network.Length + 2;
    }

    private static Result<SubnetRange> CheckRange(NetworkConfigFields fields, Ipv4Network network, int length)
    {
        var size = 1u << (32 - length);
        // The first subnet is skipped: its address is the network's, which some hosts take for a broadcast (upstream config.go).
        var min = fields.SubnetMin != Ipv4Address.Any ? fields.SubnetMin : new Ipv4Address(network.Address.Value + size);
        var max = fields.SubnetMax != Ipv4Address.Any ? fields.SubnetMax : new Ipv4Address(network.Last.Value - (size - 1));
        if (!network.Contains(min)) return Result.Failure($"SubnetMin {min} is not in the range of the Network {network}");
        if (!network.Contains(max)) return Result.Failure($"SubnetMax {max} is not in the range of the Network {network}");
        if (min.Value % size != 0) return Result.Failure(NotOnBoundary("SubnetMin", min, length));
        if (max.Value % size != 0) return Result.Failure(NotOnBoundary("SubnetMax", max, length));
        // Upstream reports "out of subnets" when the first node starts. This reports it to the operator who writes the configuration.
        return min > max ? Result.Failure($"SubnetMin {min} is beyond SubnetMax {max}: no subnet is left") : new SubnetRange(min, max);
    }

    private static string NotOnBoundary(string name, Ipv4Address address, int length) =>
        $"{name} {address} is not on a SubnetLen boundary: a /{length} starts at {new Ipv4Network(address, length).Address}";
}
