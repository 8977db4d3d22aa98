using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The last part of a lease's key, <c>10.24.5.0-24</c> or, of a dual-stack node of upstream flannel,
/// <c>10.24.5.0-24&amp;fc00::-64</c> (upstream <c>pkg/subnet/subnet.go</c>, <c>MakeSubnetKey</c>).</summary>
public readonly record struct SubnetKey(Ipv4Network Subnet, Ipv6Network? Ipv6Subnet = null)
{
    /// <summary>False for text that is no lease: such a key is somebody's own and is left alone.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out SubnetKey key)
    {
        key = default;
        var and = text.IndexOf('&');
        var v4 = and < 0 ? text : text[..and];
        // Upstream writes the network's own address, so host bits mean that the key was not written by a flannel.
        if (!Ipv4Network.TryParse(v4, '-', out var subnet, out var hostBits) || hostBits) return false;
        if (and < 0)
        {
            key = new SubnetKey(subnet);
            return true;
        }

        if (!Ipv6Network.TryParse(text[(and + 1)..], '-', out var ipv6, out hostBits) || hostBits) return false;
        key = new SubnetKey(subnet, ipv6);
        return true;
    }

    public override string ToString() => Ipv6Subnet is { } ipv6
        ? $"{Subnet.Address}-{Subnet.Length}&{ipv6.ToString('-')}"
        : $"{Subnet.Address}-{Subnet.Length}";
}
