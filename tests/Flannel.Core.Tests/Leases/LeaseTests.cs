using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class LeaseTests
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");

    [Fact]
    public void The_identity_says_whether_a_lease_is_a_reservation()
    {
        Assert.True(Of(new TestLeaseIdentity(3, Holding: 0)).IsReservation);
        Assert.False(Of(new TestLeaseIdentity(3, Holding: 7)).IsReservation);
        Assert.False(Of(new CreationTime(3)).IsReservation);
    }

    [Fact]
    public void Leases_are_ordered_by_their_creation_if_the_last_writes_have_no_order()
    {
        Assert.Equal(4, Of(new TestLeaseIdentity(3, Holding: 7)).WriteOrder);
        Assert.Equal(3, Of(new CreationTime(3)).WriteOrder);
    }

    private static Lease Of(LeaseIdentity identity) =>
        new(new SubnetKey(Subnet), new LeaseAttributes(default, null, "ali-vpc", null, null), identity, Version: 4);

    private sealed record CreationTime(long Seconds) : LeaseIdentity
    {
        public override long Order => Seconds;
    }
}
