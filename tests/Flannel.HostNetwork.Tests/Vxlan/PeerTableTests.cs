using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class PeerTableTests
{
    private static readonly VxlanPeer s_two = Peer(2);
    private static readonly VxlanPeer s_three = Peer(3);

    private readonly FakeTimeProvider time = new();
    private readonly PeerTable table;

    public PeerTableTests() => table = new PeerTable(Ipv4Network.Parse("10.24.1.0/24"), time);

    [Fact]
    public void A_peer_whose_lease_ended_before_the_watch_is_removed_at_once()
    {
        Update(1, s_two, s_three);
        Update(1, s_three);
        Assert.Equal([s_three], table.Peers);
    }

    [Fact]
    public void A_peer_that_is_missing_in_a_new_list_is_kept_for_a_lease_time()
    {
        Update(1, s_two, s_three);
        Update(2);
        Assert.Equal([s_two, s_three], table.Peers);
        Assert.Equal(2, table.AbsentCount);

        time.Advance(FlannelContract.LeaseTime - TimeSpan.FromSeconds(1));
        Update(2);
        Assert.Equal(2, table.AbsentCount);

        time.Advance(TimeSpan.FromSeconds(1));
        Update(2);
        Assert.Empty(table.Peers);
    }

    [Fact]
    public void A_peer_whose_lease_returns_is_no_longer_absent()
    {
        Update(1, s_two);
        Update(2);
        Update(3, s_two);
        Assert.Equal(0, table.AbsentCount);
        Assert.Equal([s_two], table.Peers);
        Update(3);
        Assert.Empty(table.Peers);
    }

    [Fact]
    public void A_subnet_that_another_lease_has_or_overlaps_belongs_to_that_lease()
    {
        Update(1, s_two, s_three);
        // A node of another backend holds one subnet, and a wider one covers the other.
        table.Update(new LeasedPeers([], [s_two.Subnet, Ipv4Network.Parse("10.24.2.0/23")], []), 2, isComplete: true);
        Assert.Empty(table.Peers);
    }

    [Fact]
    public void A_lease_that_cannot_be_read_costs_its_node_nothing()
    {
        Update(1, s_two);
        table.Update(new LeasedPeers([], [], []), 1, isComplete: false);
        Assert.Equal([s_two], table.Peers);
    }

    [Fact]
    public void Peers_of_an_earlier_run_are_kept_until_their_leases_are_known()
    {
        table.AddObserved([s_two, s_three, Peer(1)]);
        Update(1, s_three with { Mac = new MacAddress(0x0e0000000099) });
        Assert.Equal([s_two, s_three with { Mac = new MacAddress(0x0e0000000099) }], table.Peers);
    }

    private void Update(long listing, params VxlanPeer[] peers) =>
        table.Update(new LeasedPeers(peers, [.. peers.Select(peer => peer.Subnet)], []), listing, isComplete: true);

    private static VxlanPeer Peer(byte number) =>
        new(Ipv4Network.Parse($"10.24.{number}.0/24"), Ipv4Address.Parse($"192.168.1.{number}"), new MacAddress(0x0e0000000000UL | number));
}
