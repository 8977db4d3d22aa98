using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>A route inside the cluster's network, in the main table, without a metric.</summary>
/// <param name="IsOnLink">The gateway needs no route of its own: <c>onlink</c>.</param>
/// <param name="Protocol">Who wrote it, as <c>ip</c> names it.</param>
public sealed record VxlanRoute(IpNetwork Destination, IpAddress Gateway, string Device, bool IsOnLink, string Protocol);

/// <summary>The entries that forward packets to a set of peers: what upstream writes for each (<c>vxlan_network.go</c>). Pure.</summary>
/// <param name="Neighbors">Gateways on the device, with the MAC address of the peer's device.</param>
/// <param name="Fdb">The destination of the outer packets, by that MAC address.</param>
/// <param name="Routes">By destination.</param>
public sealed record VxlanEntries(
    IReadOnlyDictionary<IpAddress, MacAddress> Neighbors, IReadOnlyDictionary<MacAddress, IpAddress> Fdb,
    IReadOnlyDictionary<IpNetwork, VxlanRoute> Routes)
{
    /// <summary>The mark of our routes (<c>ip route … proto</c>). Free in rt_protos of iproute2 and in the kernel's
    /// <c>rtnetlink.h</c>.</summary>
    public const string Protocol = "142";

    /// <param name="peers">If two have one MAC address, the later one decides where its packets go.</param>
    /// <param name="direct">The networks that the hosts' interface reaches without a gateway; empty without <c>DirectRouting</c>.</param>
    public static VxlanEntries For(IEnumerable<VxlanPeer> peers, VxlanDevice device, IReadOnlyList<IpNetwork> direct)
    {
        var neighbors = new Dictionary<IpAddress, MacAddress>();
        var fdb = new Dictionary<MacAddress, IpAddress>();
        var routes = new Dictionary<IpNetwork, VxlanRoute>();
        foreach (var peer in peers)
        {
            if (direct.Any(network => network.Contains(peer.PublicIp)))
            {
                routes[peer.Subnet] = new VxlanRoute(peer.Subnet, peer.PublicIp, device.Parent, IsOnLink: false, Protocol);
            }
            else if (peer.Mac is { } mac)
            {
                // The gateway is the peer's address on its device: the first of its subnet.
                var gateway = peer.Subnet.Address;
                neighbors[gateway] = mac;
                fdb[mac] = peer.PublicIp;
                routes[peer.Subnet] = new VxlanRoute(peer.Subnet, gateway, device.Name, IsOnLink: true, Protocol);
            }
        }

        return new VxlanEntries(neighbors, fdb, routes);
    }
}
