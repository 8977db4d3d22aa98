using System.Text.RegularExpressions;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;

namespace Flannel.HostNetwork.Tests.Firewall;

public sealed class NftTableTests
{
    private const string Network = "10.24.0.0/16";
    private const string Subnet = "10.24.5.0/24";

    /// <summary>Upstream's chain FLANNEL-POSTRTG as arguments of iptables (flannel, August 2026, pkg/trafficmngr/iptables/iptables.go,
    /// masqRules), without comments.</summary>
    private static readonly string[] s_upstream =
    [
        "--mark 0x4000/0x4000 -j RETURN",
        $"-s {Subnet} -d {Network} -j RETURN",
        $"-s {Network} -d {Subnet} -j RETURN",
        $"! -s {Network} -d {Subnet} -j RETURN",
        $"-s {Network} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
        $"! -s {Network} -d {Network} -j MASQUERADE --random-fully",
    ];

    private static FirewallRules Rules { get; } =
        new(Ipv4Network.Parse(Network), Ipv4Network.Parse(Subnet)) { Masquerades = true };

    [Fact]
    public void Every_packet_gets_the_result_of_upstreams_rules()
    {
        var nft = NftRulesOf(Rules);
        var iptables = IptablesRulesOf(Rules);
        var results = new HashSet<string>();
        foreach (var packet in Packets())
        {
            var result = NftRules.ResultOfIptables(s_upstream, packet);
            results.Add(result);
            Assert.True(result == NftRules.ResultOfNft(nft, packet), $"nft: {packet} is to get '{result}'");
            Assert.True(result == NftRules.ResultOfIptables(iptables, packet), $"iptables: {packet} is to get '{result}'");
        }

        Assert.Equal(["masquerade fully-random", "no rule", "return"], results.Order());
    }

    [Fact]
    public void An_excluded_destination_sees_the_address_of_the_container_and_nothing_else_changes()
    {
        var excluded = Ipv4Network.Parse("192.168.1.12/32");
        var rules = Rules with { Excluded = [excluded] };
        var changed = 0;
        foreach (var packet in Packets())
        {
            var expected = NftRules.ResultOfIptables(s_upstream, packet);
            var isExcluded = Rules.Network.Contains(packet.Source) && excluded.Contains(packet.Destination);
            if (isExcluded && expected != "return") changed++;
            Assert.Equal((packet, isExcluded ? "return" : expected), (packet, NftRules.ResultOfNft(NftRulesOf(rules), packet)));
            Assert.Equal((packet, isExcluded ? "return" : expected), (packet, NftRules.ResultOfIptables(IptablesRulesOf(rules), packet)));
        }

        Assert.True(changed > 0);
    }

    [Fact]
    public void Without_random_ports_only_the_option_of_the_rules_is_missing()
    {
        var rules = Rules with { IsFullyRandom = false };
        Assert.Equal(NftTable.Compose(Rules).Replace(" fully-random", "", StringComparison.Ordinal), NftTable.Compose(rules));
        Assert.Equal(
            IptablesRules.Masquerading(Rules).Chains[0].Rules.Select(rule => rule.Replace(" --random-fully", "", StringComparison.Ordinal)),
            IptablesRules.Masquerading(rules).Chains[0].Rules);
    }

    [Fact]
    public void The_table_has_the_name_of_the_network_and_is_replaced_as_a_whole()
    {
        Assert.Contains("type nat hook postrouting priority srcnat; policy accept;", NftTable.Compose(Rules), StringComparison.Ordinal);
        Assert.StartsWith(
            "table ip flannel_ali_vpc_10.24.0.0_16\ndelete table ip flannel_ali_vpc_10.24.0.0_16\n"
            + "table ip flannel_ali_vpc_10.24.0.0_16 {\n", NftTable.Compose(Rules),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Only_tables_of_flanneld_are_found() => Assert.Equal(
        ["flannel_ali_vpc_10.24.0.0_16", "flannel_ali_vpc_10.25.0.0_16"],
        NftTable.FindOwn(
            "table ip nat\ntable ip flannel_ali_vpc_10.24.0.0_16\ntable ip flannel-ipv4\ntable ip flannel_ali_vpc_10.25.0.0_16\n"));

    private static List<string> NftRulesOf(FirewallRules rules) =>
        [.. Regex.Matches(NftTable.Compose(rules), @"(?m)^    (?!type )(\S.*)$").Select(match => match.Groups[1].Value)];

    /// <summary>The rules without what does not match packets.</summary>
    private static List<string> IptablesRulesOf(FirewallRules rules) =>
    [
        .. IptablesRules.Masquerading(rules).Chains[0].Rules.Select(
            rule => Regex.Replace(rule, "-m comment --comment \"[^\"]*\" ", "").Replace("-m mark ", "", StringComparison.Ordinal)),
    ];

    private static IEnumerable<Packet> Packets()
    {
        // A container of this node, its bridge, a container of another node, this node, other hosts of the VPC, the Internet, multicast.
        string[] texts = ["10.24.5.2", "10.24.5.1", "10.24.9.2", "192.168.1.11", "192.168.1.12", "203.0.113.9", "224.0.0.251"];
        var addresses = texts.Select(Ipv4Address.Parse).ToList();
        return
            from source in addresses
            from destination in addresses
            from mark in new uint[] { 0, 0x4000, 0x4001, 0x8000 }
            select new Packet(source, destination, mark);
    }
}
