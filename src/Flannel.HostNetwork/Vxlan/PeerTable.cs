using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The peers that packets are forwarded to. A peer is removed on evidence, not on absence alone: the watch saw its lease end,
/// another lease has its subnet, or the lease has been missing for a whole lease time. An etcd that was restored, emptied or replaced costs
/// no living node its connection. Not thread-safe.</summary>
/// <param name="self">This node's subnet.</param>
public sealed class PeerTable(IpNetwork self, TimeProvider time)
{
    private readonly Dictionary<IpNetwork, Absence> absent = [];
    private IReadOnlyList<VxlanPeer> leased = [];
    private long lastListing;

    private readonly record struct Absence(VxlanPeer Peer, long Since);

    /// <summary>How many peers are kept without a lease.</summary>
    public int AbsentCount => absent.Count;

    /// <summary>Those without a lease first: of two with one MAC address, the one with a lease decides.</summary>
    public IReadOnlyList<VxlanPeer> Peers => [.. absent.Values.Select(each => each.Peer), .. leased];

    /// <summary>Adds the peers that the kernel has entries for at the start. Those without a lease are kept as if they had just lost
    /// it.</summary>
    public void AddObserved(IEnumerable<VxlanPeer> peers)
    {
        foreach (var peer in peers) absent.TryAdd(peer.Subnet, new Absence(peer, time.GetTimestamp()));
    }

    /// <param name="listing">Of the snapshot: the same number as before means that a missing lease ended before the eyes of the
    /// watch.</param>
    /// <param name="isComplete">False if a lease exists that cannot be read.</param>
    public void Update(LeasedPeers leases, long listing, bool isComplete)
    {
        if (listing != lastListing || !isComplete) AddMissing(leases);
        lastListing = listing;
        leased = leases.Peers;
        var taken = leases.Taken.ToHashSet();
        foreach (var (subnet, absence) in absent)
        {
            var isOver = time.GetElapsedTime(absence.Since) >= FlannelContract.LeaseTime;
            if (isOver || self.Overlaps(subnet) || taken.Contains(subnet) || leases.Taken.Any(subnet.Overlaps)) absent.Remove(subnet);
        }
    }

    private void AddMissing(LeasedPeers leases)
    {
        var present = leases.Peers.Select(peer => peer.Subnet).ToHashSet();
        AddObserved(leased.Where(peer => !present.Contains(peer.Subnet)));
    }
}
