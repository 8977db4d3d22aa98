using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>What the leases of a cluster say about the peers of one node. Pure.</summary>
/// <param name="Peers">In the order in which their leases were written.</param>
/// <param name="Taken">The subnets of all leases, whatever their backend.</param>
/// <param name="Rejected">Leases of backend vxlan that are not used, with the reason, one line each.</param>
public sealed record LeasedPeers(IReadOnlyList<VxlanPeer> Peers, IReadOnlyList<Ipv4Network> Taken, IReadOnlyList<string> Rejected)
{
    /// <summary>How many leases belong to other nodes with another backend and no VXLAN device: not forwarded to, and not leased
    /// again.</summary>
    public int OtherBackends { get; init; }

    /// <param name="network">The cluster's; a peer outside of it is not reached, so that no lease redirects other traffic of the
    /// host.</param>
    /// <param name="self">This node as its peers know it.</param>
    /// <param name="usesTunnel">Whether packets to the node of a lease with a VXLAN device take the tunnel; null if all do.</param>
    public static LeasedPeers Read(
        IEnumerable<Lease> leases, Ipv4Network network, VxlanPeer self, Func<Lease, bool>? usesTunnel = null)
    {
        var peers = new List<VxlanPeer>();
        var taken = new List<Ipv4Network>();
        var rejected = new List<string>();
        var others = 0;
        foreach (var lease in leases.OrderBy(lease => lease.ModRevision))
        {
            taken.Add(lease.Subnet);
            // An earlier lease of this node, such as one that the configuration no longer allowed, expires by itself.
            if (lease.Subnet == self.Subnet || lease.Attributes.PublicIp == self.PublicIp) continue;
            var data = VxlanBackendData.Parse(lease.Attributes.BackendData);
            if (!HasDevice(lease, data))
            {
                others++;
                continue;
            }

            if (usesTunnel?.Invoke(lease) == false) continue;
            var reason = data.Ok ? FindConflict(lease, data.Value.VtepMac, network, self) : data.Error;
            if (reason is null) peers.Add(new VxlanPeer(lease.Subnet, lease.Attributes.PublicIp, data.Value.VtepMac));
            else rejected.Add($"lease {lease.Subnet} of {lease.Attributes.PublicIp}: {reason}");
        }

        return new LeasedPeers(peers, taken, rejected) { OtherBackends = others };
    }

    /// <summary>A node of backend vxlan has one, and a node of ali-vpc with <c>Fallback</c>.</summary>
    private static bool HasDevice(Lease lease, Result<VxlanBackendData> data) => lease.Attributes.BackendType switch
    {
        FlannelContract.VxlanBackend => true,
        FlannelContract.AliVpcBackend => data.Ok,
        _ => false,
    };

    /// <returns>Null if there is none.</returns>
    private static string? FindConflict(Lease lease, MacAddress mac, Ipv4Network network, VxlanPeer self)
    {
        var subnet = lease.Subnet;
        // A node of upstream flannel with IPv6 only.
        if (lease.Attributes.PublicIp == Ipv4Address.Any) return "it has no IPv4 address";
        if (!network.Contains(subnet)) return $"it is not inside {network}, the network that this node started with";
        if (subnet.Overlaps(self.Subnet)) return $"it overlaps {self.Subnet}, the subnet of this node";
        return mac == self.Mac ? $"its VtepMAC {mac} is that of this node" : null;
    }
}
