using Flanneld.Host.Interfaces;

namespace Flanneld.Tests.Host.Interfaces;

public sealed class Ipv6AddressesTests
{
    // Linux 6.18; the temporary, the deprecated and the duplicate address are added.
    private const string Table =
        """
        00000000000000000000000000000001 01 80 10 80       lo
        fe800000000000001cf3f4fffeb032fe 03 40 20 c0     eth0
        fd000001000000000000000000009999 03 40 00 01     eth0
        fd000001000000000000000000000011 03 40 00 82     eth0
        fd000001000000000000000000000012 03 40 00 40     eth0
        fd000001000000000000000000000013 03 40 00 28     eth0
        fd000001000000000000000000000014 03 40 00 88     eth0
        fd000002000000000000000000000015 04 40 00 80 eth0.5
        """;

    private const string Any = "00000000000000000000000000000000 00";

    [Theory]
    [InlineData("eth0", "fd00:1::11 fd00:1::12 fd00:1::9999")]
    [InlineData("eth0.5", "fd00:2::15")]
    [InlineData("lo", "")]
    [InlineData("eth1", "")]
    public void Global_addresses_that_can_be_used_are_read_and_temporary_ones_come_last(string name, string expected) =>
        Assert.Equal(expected, string.Join(' ', Ipv6Addresses.Of(name, Table)));

    [Theory]
    [InlineData("")]
    [InlineData("no table\n")]
    [InlineData("zz000001000000000000000000000011 03 40 00 82 eth0\n")]
    [InlineData("fd000001000000000000000000000011 03 40 00 zz eth0\n")]
    public void Anything_else_is_no_address(string table) => Assert.Empty(Ipv6Addresses.Of("eth0", table));

    [Theory]
    [InlineData(Any, "00450003", "eth0", true)]
    [InlineData(Any, "00000003", "eth0", false)]
    [InlineData(Any, "00450003", "eth1", false)]
    [InlineData("fd000001000000000000000000000000 40", "00450001", "eth0", false)]
    public void A_default_route_of_a_router_advertisement_is_recognized(string destination, string flags, string name, bool expected)
    {
        const string zero = "00000000000000000000000000000000";
        var line = $"{destination} {zero} 00 fe8000000000000000000000000000fe 00000400 00000001 00000000 {flags} {name}\n";
        Assert.Equal(expected, DefaultRoute.IsAdvertised(line, "eth0"));
        Assert.False(DefaultRoute.IsAdvertised("", "eth0"));
    }
}
