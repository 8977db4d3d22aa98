using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>What the leases of a cluster say about the peers of one node, for one address family. Pure.</summary>
/// <param name="Peers">In the order in which their leases were written.</param>
/// <param name="Taken">The subnets of all leases, whatever their backend.</param>
/// <param name="Rejected">Leases of backend vxlan that are not used, with the reason, one line each.</param>
public sealed record LeasedPeers(IReadOnlyList<VxlanPeer> Peers, IReadOnlyList<IpNetwork> Taken, IReadOnlyList<string> Rejected)
{
    /// <summary>How many leases belong to other nodes with another backend and no VXLAN device: not forwarded to, and not leased
    /// again.</summary>
    public int OtherBackends { get; init; }

    /// <param name="network">The cluster's, of the family that is read; a peer outside of it is not reached, so that no lease redirects
    /// other traffic of the host.</param>
    /// <param name="self">This node as its peers know it.</param>
    /// <param name="usesTunnel">Whether packets to the node of a lease with a VXLAN device take the tunnel; null if all do.</param>
    public static LeasedPeers Read(
        IEnumerable<Lease> leases, IpNetwork network, VxlanPeer self, Func<Lease, bool>? usesTunnel = null)
    {
        var peers = new List<VxlanPeer>();
        var taken = new List<IpNetwork>();
        var rejected = new List<string>();
        var others = 0;
        foreach (var lease in leases.OrderBy(lease => lease.WriteOrder))
        {
            // A node without IPv6 has no part in the tunnel of IPv6.
            if (SubnetOf(lease, network.IsV6) is not { } subnet) continue;
            taken.Add(subnet);
            // An earlier lease of this node, such as one that the configuration no longer allowed, expires by itself.
            if (subnet == self.Subnet || AddressOf(lease, network.IsV6) == self.PublicIp) continue;
            var data = network.IsV6
                ? VxlanBackendData.Parse(lease.Attributes.BackendV6Data, nameof(lease.Attributes.BackendV6Data))
                : VxlanBackendData.Parse(lease.Attributes.BackendData);
            if (!HasDevice(lease, data))
            {
                others++;
                continue;
            }

            if (usesTunnel?.Invoke(lease) == false) continue;
            var peer = data.Ok ? ReadPeer(lease, subnet, data.Value.VtepMac, network, self) : Result.Failure(data.Error);
            if (peer.Ok) peers.Add(peer.Value);
            else rejected.Add($"lease {subnet} of {lease.Attributes.PublicIp}: {peer.Error}");
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

    private static IpNetwork? SubnetOf(Lease lease, bool isV6)
    {
        if (!isV6) return lease.Subnet;
        return lease.Key.Ipv6Subnet is { } subnet ? subnet : null;
    }

    /// <summary>Null without one: a node of upstream flannel with IPv6 only, or one that did not publish its IPv6 address.</summary>
    private static IpAddress? AddressOf(Lease lease, bool isV6)
    {
        if (isV6) return IpAddress.TryParse(lease.Attributes.PublicIpv6, out var address) && address.IsV6 ? address : null;
        return lease.Attributes.PublicIp == Ipv4Address.Any ? null : lease.Attributes.PublicIp;
    }

    private static Result<VxlanPeer> ReadPeer(Lease lease, IpNetwork subnet, MacAddress mac, IpNetwork network, VxlanPeer self)
    {
        if (AddressOf(lease, network.IsV6) is not { } address)
            return Result.Failure($"it has no {(network.IsV6 ? "IPv6" : "IPv4")} address");
        if (!network.Contains(subnet))
            return Result.Failure($"it is not inside {network}, the network that this node started with");
        if (subnet.Overlaps(self.Subnet)) return Result.Failure($"it overlaps {self.Subnet}, the subnet of this node");
        return mac == self.Mac
            ? Result.Failure($"its VtepMAC {mac} is that of this node")
            : new VxlanPeer(subnet, address, mac);
    }
}
