using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class LeaseTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(7587870000000000001, false)]
    [InlineData(-1, false)]
    public void A_key_without_an_etcd_lease_is_a_reservation(long etcdLease, bool reservation)
    {
        var subnet = Ipv4Network.Parse("10.24.5.0/24");
        var lease = new Lease(new SubnetKey(subnet), new LeaseAttributes(default, null, "ali-vpc", null, null), etcdLease, 3, 4);
        Assert.Equal(reservation, lease.IsReservation);
        Assert.Equal(subnet, lease.Subnet);
    }
}
