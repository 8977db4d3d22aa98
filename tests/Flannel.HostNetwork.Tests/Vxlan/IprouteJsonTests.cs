using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class IprouteJsonTests
{
    [Fact]
    public void A_device_is_read_with_its_parameters_and_IPv4_addresses()
    {
        var device = IprouteJson.ParseDevice(IprouteSamples.Device).Value;
        Assert.Equal(
            ("vxlan", 1, "vxa0", "10.1.0.2", 8472, 1450, "4e:da:78:e9:03:bb"),
            (device.Kind, device.Vni, device.Parent, device.Local.ToString(), device.Port, device.Mtu, device.Mac.ToString()));
        Assert.Equal((false, false, true), (device.Gbp, device.Learning, device.IsUp));
        Assert.Equal(
            [
                new ObservedAddress(Ipv4Address.Parse("10.24.1.0"), 32),
                new ObservedAddress(IpAddress.Parse("fe80::4cda:78ff:fee9:3bb"), 64),
            ],
            device.Addresses);
    }

    [Fact]
    public void The_flags_of_a_device_are_read()
    {
        var device = IprouteJson.ParseDevice(IprouteSamples.DeviceWithPolicy).Value;
        Assert.Equal((true, true, false), (device.Gbp, device.Learning, device.IsUp));
        Assert.Empty(device.Addresses);
    }

    [Fact]
    public void A_device_of_another_kind_is_read_as_such()
    {
        const string veth =
            """[{"ifname":"flannel.1","flags":["UP"],"mtu":1500,"address":"4e:da:78:e9:03:bb","linkinfo":{"info_kind":"veth"}}]""";
        const string physical =
            """[{"ifindex":2,"ifname":"flannel.1","flags":["UP"],"mtu":1500,"address":"4e:da:78:e9:03:bb","addr_info":[]}]""";
        Assert.Equal("veth", IprouteJson.ParseDevice(veth).Value.Kind);
        Assert.Equal("", IprouteJson.ParseDevice(physical).Value.Kind);
    }

    [Fact]
    public void Neighbors_are_read_with_their_permanence_and_those_without_an_address_are_not() =>
        Assert.Equal(
            [
                new ObservedNeighbor(Ipv4Address.Parse("10.24.4.0"), MacAddress.Parse("0e:aa:bb:cc:dd:04"), IsPermanent: true),
                new ObservedNeighbor(Ipv4Address.Parse("10.24.2.0"), MacAddress.Parse("0e:aa:bb:cc:dd:02"), IsPermanent: false),
            ],
            IprouteJson.ParseNeighbors(IprouteSamples.Neighbors).Value);

    [Fact]
    public void Fdb_entries_are_read_without_those_for_groups() =>
        Assert.Equal(
            [
                new ObservedFdbEntry(MacAddress.Parse("0e:aa:bb:cc:dd:02"), Ipv4Address.Parse("10.1.0.3"), IsPermanent: true),
                new ObservedFdbEntry(MacAddress.Parse("0e:aa:bb:cc:dd:07"), Ipv4Address.Parse("10.1.0.7"), IsPermanent: false),
            ],
            IprouteJson.ParseFdb(IprouteSamples.Fdb).Value);

    [Fact]
    public void Routes_are_read_without_those_of_other_forms() =>
        Assert.Equal(
            [
                Route("10.24.2.0/24", "10.24.2.0", "flannel.1", isOnLink: true, "142"),
                Route("10.24.3.0/24", "10.1.0.3", "vxa0", isOnLink: false, "142"),
                Route("10.24.8.7/32", "10.1.0.8", "vxa0", isOnLink: false, ""),
            ],
            IprouteJson.ParseRoutes(IprouteSamples.Routes).Value);

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("[ ]\n")]
    [InlineData("[]")]
    public void An_empty_list_has_several_forms(string json)
    {
        Assert.Empty(IprouteJson.ParseNeighbors(json).Value);
        Assert.Empty(IprouteJson.ParseRoutes(json).Value);
    }

    [Theory]
    [InlineData("flannel.1: <UP> mtu 1450")]
    [InlineData("[{\"dst\":")]
    [InlineData("{}")]
    public void Other_output_is_one_line(string text)
    {
        var error = IprouteJson.ParseRoutes(text).Error;
        Assert.StartsWith("it printed no ", error, StringComparison.Ordinal);
        Assert.False(IprouteJson.ParseDevice(text).Ok);
    }

    [Fact]
    public void No_device_is_an_error() => Assert.False(IprouteJson.ParseDevice("[]").Ok);

    private static VxlanRoute Route(string destination, string gateway, string device, bool isOnLink, string protocol) =>
        new(Ipv4Network.Parse(destination), Ipv4Address.Parse(gateway), device, isOnLink, protocol);
}
