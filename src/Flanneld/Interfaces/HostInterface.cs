using System.Net.NetworkInformation;
using System.Net.Sockets;
using Flannel.Core.Addresses;

namespace Flanneld.Interfaces;

/// <summary>A network interface of this host, as far as flannel's rules look at it.</summary>
/// <param name="Mac">Lower case with colons, as the metadata service writes it; empty without one.</param>
/// <param name="Mtu">Bytes; 0 when unknown.</param>
internal sealed record HostInterface(string Name, string Mac, int Mtu, IReadOnlyList<Ipv4Address> Addresses)
{
    public override string ToString() => $"{Name} [{string.Join(' ', Addresses)}]";

    /// <summary>All of them, in the kernel's order.</summary>
    public static IReadOnlyList<HostInterface> ReadAll() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().Select(i =>
        {
            var properties = i.GetIPProperties();
            var addresses = new List<Ipv4Address>();
            foreach (var unicast in properties.UnicastAddresses)
            {
                if (unicast.Address.AddressFamily == AddressFamily.InterNetwork && Ipv4Address.TryFrom(unicast.Address, out var address))
                    addresses.Add(address);
            }

            var mac = string.Join(':', i.GetPhysicalAddress().GetAddressBytes().Select(b => b.ToString("x2")));
            return new HostInterface(i.Name, mac, ReadMtu(properties), addresses);
        }),
    ];

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
