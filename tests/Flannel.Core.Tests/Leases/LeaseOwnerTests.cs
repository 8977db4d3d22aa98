using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class LeaseOwnerTests
{
    private const string Own = "192.168.1.11";
    private const string Other = "192.168.1.12";

    private static readonly LeaseOwner Node = new(Ipv4Address.Parse(Own), PreviousSubnet: null)
    {
        Instance = new LeaseInstance("i-own", "vpc-1"),
        IsAddressConfirmed = true,
    };

    [Theory]
    [InlineData(Own, null, LeaseOwnerKind.Own)]
    [InlineData(Other, null, LeaseOwnerKind.Other)]
    [InlineData(Own, "i-own", LeaseOwnerKind.Own)]
    [InlineData(Other, "i-own", LeaseOwnerKind.Own)]
    [InlineData(Other, "i-other", LeaseOwnerKind.Other)]
    [InlineData(Own, "i-other", LeaseOwnerKind.OfFormerInstance)]
    public void The_instance_decides_and_without_one_the_address(string address, string? instance, LeaseOwnerKind kind) =>
        Assert.Equal(kind, Node.Classify(Lease(address, instance, "vpc-1")));

    [Fact]
    public void An_address_of_another_VPC_proves_nothing_about_the_other_instance() =>
        Assert.Equal(LeaseOwnerKind.AddressInUse, Node.Classify(Lease(Own, "i-other", "vpc-2")));

    [Fact]
    public void An_address_from_an_option_proves_nothing_about_the_other_instance() =>
        Assert.Equal(LeaseOwnerKind.AddressInUse, (Node with { IsAddressConfirmed = false }).Classify(Lease(Own, "i-other", "vpc-1")));

    [Fact]
    public void A_node_whose_instance_is_unknown_shares_its_address_with_the_instance_of_the_lease() =>
        Assert.Equal(LeaseOwnerKind.AddressInUse, (Node with { Instance = null }).Classify(Lease(Own, "i-own", "vpc-1")));

    private static Lease Lease(string address, string? instance, string vpc)
    {
        var data = instance is null ? null : $$"""{"InstanceId":"{{instance}}","VpcId":"{{vpc}}"}""";
        var attributes = new LeaseAttributes(Ipv4Address.Parse(address), null, FlannelContract.AliVpcBackend, data, null);
        var key = new SubnetKey(Ipv4Network.Parse("10.24.5.0/24"), null);
        return new Lease(key, attributes, new TestLeaseIdentity(2, 1), Version: 3);
    }
}
