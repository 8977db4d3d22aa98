using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Tests.Host.Interfaces;

public sealed class InterfaceSelectionTests
{
    private static readonly HostInterface[] Host =
    [
        new("lo", "00:00:00:00:00:00", 65536, [Ip("127.0.0.1"), Ip("10.99.0.1")]) { IsLoopback = true },
        new("eth0", "00:16:3e:00:00:01", 1500, [Ip("192.168.1.11"), Ip("192.168.1.12")]),
        new("eth1", "00:16:3e:00:00:02", 8500, [Ip("192.168.2.11")]),
        new("tun0", "", 1400, []),
    ];

    private const string Routes =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        + "eth1\t00000000\tFD02A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
        + "eth0\t00000000\tFD01A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        + "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";

    private static Ipv4Address Ip(string text) => Ipv4Address.Parse(text);

    private static Result<SelectedInterface> Select(Action<DaemonOptions> set, string routes = Routes)
    {
        var options = new DaemonOptions();
        set(options);
        return new InterfaceSelection(Host, () => routes, target => target == Ip("192.168.2.1")
            ? Ip("192.168.2.11")
            : target == Ip("127.0.0.1") ? target : null).Select(options);
    }

    private static string AddressAmong(HostInterface[] host, Action<DaemonOptions> set)
    {
        var options = new DaemonOptions();
        set(options);
        return new InterfaceSelection(host, () => Routes, _ => null).Select(options).Value.Address.ToString();
    }

    private static Choice Chosen(Action<DaemonOptions> set)
    {
        var selected = Select(set).Value;
        return new Choice(selected.Interface.Name, selected.Address.ToString(), selected.PublicIp.ToString());
    }

    [Fact]
    public void By_default_the_default_route_with_the_lowest_metric_decides() =>
        Assert.Equal(new Choice("eth0", "192.168.1.11", "192.168.1.11"), Chosen(_ => { }));

    [Theory]
    [InlineData(null, "fd00:1::11")]
    [InlineData("fd00:1::12", "fd00:1::12")]
    [InlineData("2001:db8::1", "fd00:1::11")]
    public void The_IPv6_address_is_the_published_one_if_the_interface_has_it(string? published, string expected)
    {
        HostInterface[] host =
        [
            new("eth0", "00:16:3e:00:00:01", 1500, [Ip("192.168.1.11")])
            {
                Ipv6Addresses = [IpAddress.Parse("fd00:1::11"), IpAddress.Parse("fd00:1::12")],
            },
        ];
        var options = new DaemonOptions { PublicIpv6 = published is null ? null : IpAddress.Parse(published) };
        var selected = new InterfaceSelection(host, () => Routes, _ => null).Select(options).Value;
        Assert.Equal(expected, selected.Ipv6Address.ToString());
    }

    [Fact]
    public void A_public_address_alone_names_its_interface() =>
        Assert.Equal(new Choice("eth0", "192.168.1.12", "192.168.1.12"), Chosen(o => o.PublicIp = Ip("192.168.1.12")));

    [Fact]
    public void With_an_interface_the_public_address_need_not_be_local() =>
        Assert.Equal(
            new Choice("eth1", "192.168.2.11", "47.1.2.3"),
            Chosen(o => { o.Interfaces.Add("eth1"); o.PublicIp = Ip("47.1.2.3"); }));

    [Fact]
    public void The_first_match_of_several_is_used() =>
        Assert.Equal(
            "eth1",
            Chosen(o => { o.Interfaces.Add("eth7"); o.Interfaces.Add("tun0"); o.Interfaces.Add("eth1"); o.Interfaces.Add("eth0"); }).Name);

    [Fact]
    public void An_interface_may_be_named_by_its_address() =>
        Assert.Equal(new Choice("eth0", "192.168.1.12", "192.168.1.12"), Chosen(o => o.Interfaces.Add("192.168.1.12")));

    [Fact]
    public void A_regex_is_tried_on_addresses_first_and_then_on_names()
    {
        Assert.Equal(new Choice("eth1", "192.168.2.11", "192.168.2.11"), Chosen(o => o.InterfaceRegexes.Add(@"^192\.168\.2\.")));
        Assert.Equal("eth0", Chosen(o => o.InterfaceRegexes.Add("^eth")).Name);
    }

    [Fact]
    public void Names_come_before_regexes_and_regexes_before_reach()
    {
        Assert.Equal(
            "lo", Chosen(o => { o.Interfaces.Add("lo"); o.InterfaceRegexes.Add("eth1"); o.InterfaceCanReach = Ip("192.168.2.1"); }).Name);
        Assert.Equal(
            "eth0",
            Chosen(o => { o.Interfaces.Add("gone"); o.InterfaceRegexes.Add("eth0"); o.InterfaceCanReach = Ip("192.168.2.1"); }).Name);
        Assert.Equal("eth1", Chosen(o => { o.InterfaceRegexes.Add("gone"); o.InterfaceCanReach = Ip("192.168.2.1"); }).Name);
    }

    [Fact]
    public void The_error_names_the_requested_and_the_existing_interfaces()
    {
        Assert.Equal(
            "no interface matches --iface=eth9 --iface-regex=^en; this host has lo [127.0.0.1 10.99.0.1], "
            + "eth0 [192.168.1.11 192.168.1.12], eth1 [192.168.2.11], tun0 []",
            Select(o => { o.Interfaces.Add("eth9"); o.InterfaceRegexes.Add("^en"); }).Error);
    }

    [Theory]
    [InlineData(".*")]
    [InlineData("lo|eth1")]
    [InlineData("^1")]
    [InlineData("127")]
    [InlineData(@"^10\.99\.")]
    public void A_regex_never_chooses_loopback(string pattern) =>
        Assert.NotEqual(
            "lo", Select(o => { o.InterfaceRegexes.Add(pattern); o.InterfaceCanReach = Ip("192.168.2.1"); }).Value.Interface.Name);

    [Fact]
    public void Loopback_is_chosen_only_by_name_or_address()
    {
        Assert.Equal(new Choice("lo", "127.0.0.1", "127.0.0.1"), Chosen(o => o.Interfaces.Add("lo")));
        Assert.Equal(new Choice("lo", "127.0.0.1", "127.0.0.1"), Chosen(o => o.Interfaces.Add("127.0.0.1")));
        Assert.False(Select(o => o.PublicIp = Ip("127.0.0.1")).Ok);
        Assert.False(Select(o => o.InterfaceCanReach = Ip("127.0.0.1")).Ok);
        Assert.False(Select(
            _ => { },
            routes: Routes.Replace("eth0", "lo", StringComparison.Ordinal).Replace("eth1", "lo", StringComparison.Ordinal)).Ok);
    }

    [Fact]
    public void A_link_local_address_is_the_last_choice()
    {
        HostInterface[] host =
        [
            new("eth0", "", 1500, [Ip("169.254.7.7"), Ip("192.168.1.11")]),
            new("eth1", "", 1500, [Ip("169.254.8.8")]),
            new("eth2", "", 1500, [Ip("192.168.2.11")]),
        ];
        Assert.Equal("192.168.1.11", AddressAmong(host, o => o.Interfaces.Add("eth0")));
        Assert.Equal("169.254.8.8", AddressAmong(host, o => o.Interfaces.Add("eth1")));
        Assert.Equal("169.254.7.7", AddressAmong(host, o => o.Interfaces.Add("169.254.7.7")));
        Assert.Equal("192.168.1.11", AddressAmong(host, o => o.InterfaceRegexes.Add("^eth0$")));
        Assert.Equal("192.168.2.11", AddressAmong(host, o => o.InterfaceRegexes.Add("^eth[12]$")));
        Assert.Equal("192.168.1.11", AddressAmong(host, o => o.InterfaceRegexes.Add(".*")));
        Assert.Equal("169.254.7.7", AddressAmong(host, o => o.InterfaceRegexes.Add("^169")));
        Assert.Equal("192.168.1.11", AddressAmong(host, _ => { }));
    }

    [Fact]
    public void An_empty_name_or_pattern_means_the_default_routes_interface_as_upstream()
    {
        Assert.Equal(new Choice("eth0", "192.168.1.11", "192.168.1.11"), Chosen(o => o.Interfaces.Add("")));
        Assert.Equal(
            new Choice("eth0", "192.168.1.11", "47.1.2.3"),
            Chosen(o => { o.Interfaces.Add(""); o.Interfaces.Add("eth1"); o.PublicIp = Ip("47.1.2.3"); }));
        Assert.Equal(new Choice("eth0", "192.168.1.11", "192.168.1.11"), Chosen(o => o.InterfaceRegexes.Add("")));
    }

    [Fact]
    public void Without_a_default_route_the_error_says_which_flag_to_add()
    {
        var error = Select(_ => { }, routes: Routes.Split('\n')[0] + "\n").Error;
        Assert.StartsWith("no default route to select an interface by: add --iface", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("heading\nnot a route\n")]
    [InlineData("heading\neth0\t00000000\tx\t0002\t0\t0\t0\t00000000\t0\t0\t0\n")]
    [InlineData("heading\neth0\t00000000\tx\tzz\t0\t0\t0\t00000000\t0\t0\t0\n")]
    public void A_table_without_a_usable_default_route_names_none(string table) => Assert.Null(DefaultRoute.Find(table));

    private sealed record Choice(string Name, string Address, string PublicIp);
}
