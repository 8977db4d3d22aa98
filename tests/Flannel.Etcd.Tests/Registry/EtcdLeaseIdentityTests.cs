using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;

namespace Flannel.Etcd.Tests.Registry;

public sealed class EtcdLeaseIdentityTests
{
    private static readonly SubnetKey Key = new(Ipv4Network.Parse("10.24.5.0/24"));

    private static readonly LeaseAttributes Attributes =
        new(default, null, "ali-vpc", """{"RegionId":"cn-hangzhou","VpcId":"vpc-1","InstanceId":"i-1"}""", null);

    [Theory]
    [InlineData(0, true)]
    [InlineData(7587870000000000001, false)]
    [InlineData(-1, false)]
    public void A_key_without_an_etcd_lease_is_a_reservation(long etcdLease, bool isReservation)
    {
        var lease = new Lease(Key, Attributes, new EtcdLeaseIdentity(3, etcdLease), 4);
        Assert.Equal(isReservation, lease.IsReservation);
        Assert.Equal((etcdLease, 3L, 4L), (lease.EtcdLeaseId, lease.CreateRevision, lease.ModRevision));
    }

    [Theory]
    [InlineData(7, 11, true)]
    // Of an earlier lease of the subnet.
    [InlineData(6, 11, false)]
    [InlineData(7, 9, false)]
    public void A_status_belongs_to_the_etcd_lease_and_the_creation_that_it_was_written_after(long etcdLease, long revision, bool belongs)
    {
        var route = new RouteStatus("10.24.5.0/24", "i-1", [], RouteState.Available, "", "", default);
        var lease = new Lease(Key, Attributes, new EtcdLeaseIdentity(10, 7), 12);
        Assert.Equal(belongs, new EtcdRouteStatus(route, etcdLease, revision).Describes(lease));
    }

    [Fact]
    public void Leases_are_ordered_by_their_last_write() =>
        Assert.Equal(12, new Lease(Key, Attributes, new EtcdLeaseIdentity(10, 7), 12).WriteOrder);
}
