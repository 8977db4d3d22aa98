using System.Text;
using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The content of <c>subnet.env</c>, from which Docker (<c>mk-docker-opts.sh</c>) and CNI's flannel plugin read the node's subnet.
/// Four lines in upstream's order, with LF, without quotes (<c>pkg/subnet/subnet.go</c>, <c>WriteSubnetFile</c>).</summary>
/// <param name="Network">The cluster's network.</param>
/// <param name="Subnet">The node's subnet; the file contains its first address.</param>
/// <param name="Mtu">In bytes, of the node's interface: routing through the VPC adds no header.</param>
public sealed record SubnetEnv(Ipv4Network Network, Ipv4Network Subnet, int Mtu, bool IpMasq)
{
    public byte[] ToBytes() => Encoding.ASCII.GetBytes(
        $"FLANNEL_NETWORK={Network}\n{SubnetLine(Subnet)}FLANNEL_MTU={Mtu}\nFLANNEL_IPMASQ={(IpMasq ? "true" : "false")}\n");

    /// <summary>The line of the subnet, with LF.</summary>
    public static string SubnetLine(Ipv4Network subnet) => $"FLANNEL_SUBNET={new Ipv4Address(subnet.Address.Value + 1)}/{subnet.Length}\n";

    /// <summary>The subnet in the text of an earlier file; null if there is none. The file may be truncated, of another program, or edited
    /// by an operator; it is then ignored. As in a shell, the last of several lines counts.</summary>
    public static Ipv4Network? ReadPreviousSubnet(ReadOnlySpan<byte> text) => ReadNetwork(text, "FLANNEL_SUBNET=");

    /// <summary>The cluster's network, in the same way.</summary>
    public static Ipv4Network? ReadPreviousNetwork(ReadOnlySpan<byte> text) => ReadNetwork(text, "FLANNEL_NETWORK=");

    private static Ipv4Network? ReadNetwork(ReadOnlySpan<byte> text, string name)
    {
        Ipv4Network? found = null;
        // A line without LF may be truncated: 10.24.5.1/2 was 10.24.5.1/24.
        var completeLines = text[..(text.LastIndexOf((byte)'\n') + 1)];
        foreach (var line in Encoding.UTF8.GetString(completeLines).AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(name, StringComparison.Ordinal)) continue;
            found = Ipv4Network.TryParse(line[name.Length..].Trim("\"' \t"), '/', out var subnet, out _) ? subnet : null;
        }

        return found;
    }
}
