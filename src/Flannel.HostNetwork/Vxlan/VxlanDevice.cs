using System.Globalization;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The VXLAN device as it must be. Immutable.</summary>
/// <param name="Vni">The VXLAN network identifier, which all nodes share.</param>
/// <param name="Parent">The interface between the hosts.</param>
/// <param name="Local">The address of that interface: the source of the outer packets. The inner packets are of its family.</param>
/// <param name="Port">The UDP port, which all nodes share.</param>
/// <param name="Mtu">In bytes, of the inner packets.</param>
/// <param name="Mac">Peers send to this address, which the lease names.</param>
public sealed record VxlanDevice(int Vni, string Parent, IpAddress Local, int Port, int Mtu, MacAddress Mac)
{
    /// <summary>The outer Ethernet, IPv4, UDP and VXLAN headers, in bytes (upstream <c>encapOverhead</c>).</summary>
    public const int Overhead = 50;

    /// <summary>The same with IPv6. Upstream asks for <see cref="Overhead"/>, and the kernel reduces the MTU of the device to
    /// this.</summary>
    public const int Ipv6Overhead = 70;

    /// <summary>With a smaller MTU the kernel does not use IPv6 on an interface (RFC 8200, section 5).</summary>
    public const int SmallestIpv6Mtu = 1280;

    /// <summary>The kernel's own default, and so upstream's (IANA's 4789 is not).</summary>
    public const int DefaultPort = 8472;

    /// <summary>The name of a device has at most 15 characters (<c>IFNAMSIZ</c>).</summary>
    public const int LargestVni = 9_999_999;

    /// <summary>The same for <c>flannel-v6.N</c>.</summary>
    public const int LargestIpv6Vni = 9_999;

    /// <summary>Group based policy (the <c>gbp</c> extension).</summary>
    public bool Gbp { get; init; }

    /// <summary>The kernel learns from incoming packets which node has which address.</summary>
    public bool Learning { get; init; }

    public bool IsV6 => Local.IsV6;

    public string Name => NameOf(Vni, IsV6);

    private const string NamePrefix = "flannel.";
    private const string Ipv6NamePrefix = "flannel-v6.";

    /// <summary>Whether a device has a name of this form.</summary>
    public static bool IsName(string name) => IsName(name, NamePrefix) || IsName(name, Ipv6NamePrefix);

    /// <summary><c>flannel.1</c> or <c>flannel-v6.1</c>, as upstream names them.</summary>
    public static string NameOf(int vni, bool isV6 = false) =>
        string.Create(CultureInfo.InvariantCulture, $"{(isV6 ? Ipv6NamePrefix : NamePrefix)}{vni}");

    private static bool IsName(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length
        && name.AsSpan(prefix.Length).IndexOfAnyExceptInRange('0', '9') < 0;
}
