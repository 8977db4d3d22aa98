using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Planning;

public sealed class CidrConflictCheckTests
{
    private static readonly CidrConflictCheck Check = CidrConflictCheck.Of(
        new VpcAttributes("vpc-1", "192.168.0.0/16", ["172.20.0.0/16"], ["30.0.0.0/8", "not a range"]),
        [new VSwitchAttributes("vsw-1", "vpc-1", "192.168.4.0/22", "vtb-1")]);

    [Theory]
    [InlineData("192.168.4.0/22", true, false)] // equal
    [InlineData("192.168.5.0/24", true, false)] // inside
    [InlineData("192.168.7.255/32", true, false)] // its last address
    [InlineData("192.168.0.0/20", false, false)] // contains it: the single call allows it, the batch does not
    [InlineData("192.168.3.0/24", false, true)] // just before
    [InlineData("192.168.8.0/24", false, true)] // just after
    [InlineData("172.20.1.0/24", false, true)] // a secondary range that no vSwitch uses
    [InlineData("100.64.0.0/10", true, false)]
    [InlineData("100.64.5.0/24", false, false)] // inside: the single call allows it, the batch does not
    [InlineData("100.127.255.0/24", false, false)]
    [InlineData("100.128.0.0/24", false, true)]
    [InlineData("100.0.0.0/8", false, true)]
    [InlineData("10.24.5.0/24", false, true)]
    public void A_destination_that_the_API_rejects_is_rejected(string destination, bool rejected, bool fitsBatch)
    {
        Assert.Equal(rejected, Check.RejectionOf(Ipv4Network.Parse(destination)) is not null);
        Assert.Equal(fitsBatch, Check.FitsBatch(Ipv4Network.Parse(destination)));
    }

    [Fact]
    public void A_rejection_names_the_range_and_its_owner()
    {
        Assert.Equal("100.64.0.0/10 belongs to the cloud's own services", Check.RejectionOf(Ipv4Network.Parse("100.64.0.0/10")));
        Assert.Equal(
            "192.168.5.0/24 lies inside 192.168.4.0/22 of vSwitch vsw-1: choose a network that overlaps no vSwitch",
            Check.RejectionOf(Ipv4Network.Parse("192.168.5.0/24")));
    }

    [Fact]
    public void One_of_several_vSwitches_is_enough_for_an_overlap()
    {
        var check = CidrConflictCheck.Of(
            new VpcAttributes("vpc-1", "192.168.0.0/16", [], []),
            [
                new VSwitchAttributes("vsw-1", "vpc-1", "192.168.4.0/22", "vtb-1"),
                new VSwitchAttributes("vsw-2", "vpc-1", "192.168.8.0/22", "vtb-1"),
            ]);
        Assert.True(check.OverlapsVSwitch(Ipv4Network.Parse("192.168.9.0/24")));
    }

    [Theory]
    [InlineData("192.168.4.0/22", true)]
    [InlineData("192.168.5.0/24", true)]
    [InlineData("192.168.0.0/16", true)]
    [InlineData("192.168.8.0/21", false)] // the VPC's range, but no vSwitch's
    [InlineData("10.24.0.0/16", false)]
    public void Only_a_network_that_overlaps_a_vSwitch_is_a_conflict_not_one_inside_the_range_of_the_VPC(string network, bool overlaps) =>
        Assert.Equal(overlaps, Check.OverlapsVSwitch(Ipv4Network.Parse(network)));

    [Theory]
    [InlineData("fc00::/48", "")]
    [InlineData("2408:4005:3a0::/48", "2408:4005:3a0:1::/64 of vSwitch vsw-1;2408:4005:3a0::/56, the VPC's IPv6 range")]
    [InlineData("2408:4005:3a0:80::/60", "2408:4005:3a0::/56, the VPC's IPv6 range")]
    public void A_warning_names_each_IPv6_range_that_the_network_overlaps(string network, string parts)
    {
        var check = CidrConflictCheck.Of(
            new VpcAttributes("vpc-1", "192.168.0.0/16", [], []) { Ipv6CidrBlock = "2408:4005:3a0::/56" },
            [new VSwitchAttributes("vsw-1", "vpc-1", "192.168.4.0/22", "vtb-1") { Ipv6CidrBlock = "2408:4005:3a0:1::/64" }]);
        var expected = parts.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(part => $"network {network} overlaps {part}");
        Assert.Equal(expected, check.Warnings(Ipv6Network.Parse(network)));
    }

    [Theory]
    [InlineData("10.24.0.0/16", "")]
    [InlineData("192.168.128.0/17", "192.168.0.0/16, the VPC's range")]
    [InlineData("192.168.0.0/16", "192.168.4.0/22 of vSwitch vsw-1;192.168.0.0/16")]
    [InlineData("172.20.0.0/20", "172.20.0.0/16, the VPC's secondary range")]
    [InlineData("30.1.0.0/16", "30.0.0.0/8, the VPC's user range")]
    [InlineData("100.100.0.0/16", "100.64.0.0/10")]
    public void A_warning_names_each_range_that_the_network_overlaps(string network, string parts)
    {
        var lines = Check.Warnings(Ipv4Network.Parse(network));
        var expected = parts.Split(';', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected.Length, lines.Count);
        foreach (var (part, line) in expected.Zip(lines)) Assert.Contains(part, line, StringComparison.Ordinal);
    }
}
