using System.Globalization;
using System.Text;
using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The content of <c>subnet.env</c>, from which Docker (<c>mk-docker-opts.sh</c>) and CNI's flannel plugin read the node's subnet.
/// Four lines in upstream's order, or six of a dual-stack node, with LF, without quotes (<c>pkg/subnet/subnet.go</c>,
/// <c>WriteSubnetFile</c>).</summary>
/// <param name="Network">The cluster's network.</param>
/// <param name="Subnet">The node's subnet; the file contains its first address.</param>
/// <param name="Mtu">In bytes, of the containers' interfaces.</param>
public sealed record SubnetEnv(Ipv4Network Network, Ipv4Network Subnet, int Mtu, bool IpMasq)
{
    private const string SubnetName = "FLANNEL_SUBNET=";
    private const string Ipv6NetworkName = "FLANNEL_IPV6_NETWORK=";
    private const string Ipv6SubnetName = "FLANNEL_IPV6_SUBNET=";
    private const string MtuName = "FLANNEL_MTU=";
    private const string IpMasqName = "FLANNEL_IPMASQ=";

    /// <summary>The IPv6 network of the cluster, and the node's subnet of it; null without IPv6.</summary>
    public Ipv6SubnetEnv? Ipv6 { get; init; }

    public byte[] ToBytes() => Encoding.ASCII.GetBytes(
        $"FLANNEL_NETWORK={Network}\n{SubnetLine(Subnet)}{Ipv6Lines}{MtuName}{Mtu}\n{IpMasqName}{(IpMasq ? "true" : "false")}\n");

    private string Ipv6Lines => Ipv6 is { } ipv6 ? $"{Ipv6NetworkName}{ipv6.Network}\n{SubnetLine(ipv6.Subnet)}" : "";

    /// <summary>The line of the subnet, with LF.</summary>
    public static string SubnetLine(Ipv4Network subnet) => $"{SubnetName}{new Ipv4Address(subnet.Address.Value + 1)}/{subnet.Length}\n";

    /// <summary>The same for IPv6.</summary>
    public static string SubnetLine(Ipv6Network subnet) =>
        $"{Ipv6SubnetName}{Ipv6Network.FormatAddress(subnet.Address + 1)}/{subnet.Length}\n";

    /// <summary>The subnet in the text of an earlier file; null if there is none. The file may be truncated, of another program, or edited
    /// by an operator; it is then ignored. As in a shell, the last of several lines counts.</summary>
    public static Ipv4Network? ReadPreviousSubnet(ReadOnlySpan<byte> text) => ReadNetwork(text, SubnetName);

    /// <summary>The cluster's network, in the same way.</summary>
    public static Ipv4Network? ReadPreviousNetwork(ReadOnlySpan<byte> text) => ReadNetwork(text, "FLANNEL_NETWORK=");

    /// <summary>The IPv6 subnet, in the same way.</summary>
    public static Ipv6Network? ReadPreviousIpv6Subnet(ReadOnlySpan<byte> text) => ReadIpv6Network(text, Ipv6SubnetName);

    /// <summary>The cluster's IPv6 network, in the same way.</summary>
    public static Ipv6Network? ReadPreviousIpv6Network(ReadOnlySpan<byte> text) => ReadIpv6Network(text, Ipv6NetworkName);

    /// <summary>The MTU of the containers in bytes, in the same way.</summary>
    public static int? ReadPreviousMtu(ReadOnlySpan<byte> text) =>
        int.TryParse(ReadValue(text, MtuName), NumberStyles.None, CultureInfo.InvariantCulture, out var mtu) ? mtu : null;

    /// <summary>Whether flannel masquerades, in the same way.</summary>
    public static bool? ReadPreviousIpMasq(ReadOnlySpan<byte> text) =>
        bool.TryParse(ReadValue(text, IpMasqName), out var value) ? value : null;

    private static Ipv6Network? ReadIpv6Network(ReadOnlySpan<byte> text, string name) =>
        ReadValue(text, name) is { } value && Ipv6Network.TryParse(value, '/', out var network, out _) ? network : null;

    private static Ipv4Network? ReadNetwork(ReadOnlySpan<byte> text, string name) =>
        ReadValue(text, name) is { } value && Ipv4Network.TryParse(value, '/', out var subnet, out _) ? subnet : null;

    private static string? ReadValue(ReadOnlySpan<byte> text, string name)
    {
        string? found = null;
        // A line without LF may be truncated: 10.24.5.1/2 was 10.24.5.1/24.
        var completeLines = text[..(text.LastIndexOf((byte)'\n') + 1)];
        foreach (var line in Encoding.UTF8.GetString(completeLines).AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal)) found = line[name.Length..].Trim("\"' \t").ToString();
        }

        return found;
    }
}

/// <summary>The IPv6 part of <c>subnet.env</c>.</summary>
/// <param name="Network">The cluster's.</param>
/// <param name="Subnet">The node's; the file contains its first address.</param>
public sealed record Ipv6SubnetEnv(Ipv6Network Network, Ipv6Network Subnet);
