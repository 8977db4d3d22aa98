using System.Net.NetworkInformation;
using System.Net.Sockets;
using Flannel.Core.Addresses;

namespace Flanneld.Host.Interfaces;

/// <summary>A network interface of this host: the properties that flannel's rules use.</summary>
/// <param name="Mac">Lower case with colons, as the metadata service writes it; empty without one.</param>
/// <param name="Mtu">Bytes; 0 when unknown.</param>
internal sealed record HostInterface(string Name, string Mac, int Mtu, IReadOnlyList<Ipv4Address> Addresses)
{
    private static readonly Ipv4Network LinkLocal = Ipv4Network.Parse("169.254.0.0/16");

    public bool IsLoopback { get; init; }

    /// <summary>Those by which other hosts reach the interface, the preferred one first.</summary>
    public IReadOnlyList<IpAddress> Ipv6Addresses { get; init; } = [];

    /// <summary>In upstream's order (<c>pkg/ip/iface.go</c>, <c>compareAddrs</c>): link-local addresses last.</summary>
    public IEnumerable<Ipv4Address> PreferredAddresses => Addresses.OrderBy(IsLinkLocal);

    public bool HasOnlyLinkLocal => Addresses.Count > 0 && Addresses.All(IsLinkLocal);

    public static bool IsLinkLocal(Ipv4Address address) => LinkLocal.Contains(address);

    public override string ToString() => $"{Name} [{string.Join(' ', Addresses)}]";

    /// <summary>All interfaces of this host, in the kernel's order.</summary>
    public static IReadOnlyList<HostInterface> ReadAll()
    {
        var ipv6 = Interfaces.Ipv6Addresses.ReadTable() ?? "";
        return [.. NetworkInterface.GetAllNetworkInterfaces().Select(each => Read(each, ipv6))];
    }

    private static HostInterface Read(NetworkInterface found, string ipv6Table)
    {
        var properties = found.GetIPProperties();
        var addresses = new List<Ipv4Address>();
        foreach (var unicast in properties.UnicastAddresses)
        {
            if (unicast.Address.AddressFamily == AddressFamily.InterNetwork && Ipv4Address.TryFrom(unicast.Address, out var address))
                addresses.Add(address);
        }

        var mac = string.Join(':', found.GetPhysicalAddress().GetAddressBytes().Select(b => b.ToString("x2")));
        return new HostInterface(found.Name, mac, ReadMtu(properties), addresses)
        {
            IsLoopback = found.NetworkInterfaceType == NetworkInterfaceType.Loopback,
            Ipv6Addresses = Interfaces.Ipv6Addresses.Of(found.Name, ipv6Table),
        };
    }

    private static int ReadMtu(IPInterfaceProperties properties)
    {
        try
        {
            return properties.GetIPv4Properties().Mtu;
        }
        catch (NetworkInformationException)
        {
            return 0;
        }
    }
}
