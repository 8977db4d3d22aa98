using System.Diagnostics.CodeAnalysis;
using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The last part of a lease's key, <c>10.24.5.0-24</c> or, of a dual-stack node,
/// <c>10.24.5.0-24&amp;fc00::-64</c> (upstream <c>pkg/subnet/subnet.go</c>, <c>MakeSubnetKey</c>).</summary>
public sealed record SubnetKey(Ipv4Network Subnet, Ipv6Network? Ipv6Subnet = null)
{
    // Upstream's ParseSubnetKey reads the lengths as 5 and 7 bits.
    private const int LongestSubnet = 31;
    private const int LongestIpv6Subnet = 127;

    /// <summary>Between the IPv4 subnet and the IPv6 subnet of a dual-stack node.</summary>
    public const char Ipv6Separator = '&';

    /// <summary>False for the key of another program, which is ignored. A key is written back as the same text, because it is the name of a
    /// key in etcd: flannel does not write other forms of an address, such as with host bits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out SubnetKey? key)
    {
        key = null;
        var separator = text.IndexOf(Ipv6Separator);
        var v4 = separator < 0 ? text : text[..separator];
        if (!Ipv4Network.TryParse(v4, '-', out var subnet, out var hostBits) || hostBits || subnet.Length > LongestSubnet) return false;
        if (separator < 0)
        {
            key = new SubnetKey(subnet);
            return true;
        }

        var v6 = text[(separator + 1)..];
        if (!Ipv6Network.TryParse(v6, '-', out var ipv6, out _) || ipv6.Length > LongestIpv6Subnet) return false;
        if (!v6.SequenceEqual(ipv6.ToString('-'))) return false;
        key = new SubnetKey(subnet, ipv6);
        return true;
    }

    /// <summary>Whether the subnets of one family overlap.</summary>
    public bool Overlaps(SubnetKey other) => Subnet.Overlaps(other.Subnet)
        || (Ipv6Subnet is { } own && other.Ipv6Subnet is { } theirs && own.Overlaps(theirs));

    public override string ToString() => Ipv6Subnet is { } ipv6
        ? $"{Subnet.Address}-{Subnet.Length}{Ipv6Separator}{ipv6.ToString('-')}"
        : $"{Subnet.Address}-{Subnet.Length}";
}
