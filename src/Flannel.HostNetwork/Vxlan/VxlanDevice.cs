using System.Globalization;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The VXLAN device as it must be. Immutable.</summary>
/// <param name="Vni">The VXLAN network identifier, which all nodes share.</param>
/// <param name="Parent">The interface between the hosts.</param>
/// <param name="Local">The address of that interface: the source of the outer packets.</param>
/// <param name="Port">The UDP port, which all nodes share.</param>
/// <param name="Mtu">In bytes, of the inner packets.</param>
/// <param name="Mac">Peers send to this address, which the lease names.</param>
public sealed record VxlanDevice(int Vni, string Parent, Ipv4Address Local, int Port, int Mtu, MacAddress Mac)
{
    /// <summary>The outer Ethernet, IPv4, UDP and VXLAN headers, in bytes (upstream <c>encapOverhead</c>).</summary>
    public const int Overhead = 50;

    /// <summary>The kernel's own default, and so upstream's (IANA's 4789 is not).</summary>
    public const int DefaultPort = 8472;

    /// <summary>The name of a device has at most 15 characters (<c>IFNAMSIZ</c>).</summary>
    public const int LargestVni = 9_999_999;

    /// <summary>Group based policy (the <c>gbp</c> extension).</summary>
    public bool Gbp { get; init; }

    /// <summary>The kernel learns from incoming packets which node has which address.</summary>
    public bool Learning { get; init; }

    public string Name => NameOf(Vni);

    private const string NamePrefix = "flannel.";

    /// <summary>Whether a device has a name of this form.</summary>
    public static bool IsName(string name) =>
        name.StartsWith(NamePrefix, StringComparison.Ordinal) && name.Length > NamePrefix.Length
        && name.AsSpan(NamePrefix.Length).IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary><c>flannel.1</c>, as upstream names it.</summary>
    public static string NameOf(int vni) => string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{vni}");
}
