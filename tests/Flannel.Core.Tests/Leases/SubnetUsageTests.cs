using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class SubnetUsageTests
{
    [Fact]
    public void A_lease_outside_the_range_is_leased_and_takes_no_free_subnet()
    {
        var config = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","SubnetLen":24}"""u8).Value;
        var usage = SubnetUsage.Of(config, [Lease("10.24.5.0/24"), Lease("10.24.8.0/23"), Lease("10.99.1.0/24")]);
        Assert.Equal(new SubnetUsage(255, 3, 252), usage);
    }

    private static Lease Lease(string subnet) => new(
        new SubnetKey(Ipv4Network.Parse(subnet)),
        new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null), new TestLeaseIdentity(10, 7), 10);
}
