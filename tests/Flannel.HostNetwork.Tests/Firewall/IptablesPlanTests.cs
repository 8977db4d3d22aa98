using System.Text.RegularExpressions;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;

namespace Flannel.HostNetwork.Tests.Firewall;

public sealed class IptablesPlanTests
{
    private const string Chain = "FLANNEL-FWD-0A180000-16";
    private const string Comment = "-m comment --comment \"flanneld forward 10.24.0.0/16\"";
    private const string Hook = $"-A FORWARD {Comment} -j {Chain}\n";
    private const string DockerRule = $"-d 10.24.0.0/16 {Comment} -j ACCEPT";

    /// <summary>The rules as iptables-save 1.8.9 prints them after they were set.</summary>
    private const string InPlace =
        $"""
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [5:420]
        :OUTPUT ACCEPT [0:0]
        :{Chain} - [0:0]
        -A FORWARD -i lo -j DROP
        {Hook}-A {Chain} -s 10.24.0.0/16 {Comment} -j ACCEPT
        -A {Chain} -d 10.24.0.0/16 {Comment} -j ACCEPT
        COMMIT

        """;

    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");

    private static FirewallRules Rules { get; } = new(s_network, Ipv4Network.Parse("10.24.5.0/24")) { Forwards = true };

    [Fact]
    public void Rules_that_are_in_place_are_not_written() => Assert.Equal("", Plan(InPlace));

    [Fact]
    public void A_host_without_rules_gets_the_chain_and_the_jump() => Assert.Equal(
        $"*filter\n:{Chain} - [0:0]\n-A {Chain} -s 10.24.0.0/16 {Comment} -j ACCEPT\n-A {Chain} {DockerRule}\n{Hook}COMMIT\n", Plan(""));

    [Theory]
    [InlineData($"-A FORWARD {Comment} -j {Chain}\n", "")]
    [InlineData($"-A {Chain} -s 10.24.0.0/16 {Comment} -j ACCEPT\n", "")]
    [InlineData("-A FORWARD -i lo -j DROP\n", $"-A FORWARD {Comment} -j {Chain}\n")]
    [InlineData("-A FORWARD -i lo -j DROP\n", "-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n")]
    public void A_rule_that_another_program_removed_doubled_or_made_ineffective_is_restored(string found, string changed)
    {
        Assert.Contains(found, InPlace, StringComparison.Ordinal);
        var after = Apply(InPlace.Replace(found, changed, StringComparison.Ordinal));
        Assert.Equal("", Plan(after));
        Assert.Single(Regex.Matches(after, $"(?m)^-A FORWARD .*{Chain}$"));
    }

    [Fact]
    public void The_jump_is_behind_the_rules_of_others_and_before_a_rule_for_every_packet()
    {
        const string rhel = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.24.0.9/32 -j DROP\n"
            + "-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n-A FORWARD -i x -j ACCEPT\nCOMMIT\n";
        Assert.Equal(
        [
            "-A FORWARD -s 10.24.0.9/32 -j DROP", Hook.TrimEnd(), "-A FORWARD -j REJECT --reject-with icmp-host-prohibited",
            "-A FORWARD -i x -j ACCEPT",
        ], RulesIn(Apply(rhel), "FORWARD"));
    }

    [Fact]
    public void DOCKER_USER_is_created_only_where_Docker_is()
    {
        Assert.DoesNotContain("DOCKER-USER", Plan(""), StringComparison.Ordinal);
        Assert.Contains($":DOCKER-USER - [0:0]\n-A DOCKER-USER {DockerRule}\n", Plan("", hasDocker: true), StringComparison.Ordinal);
    }

    [Fact]
    public void In_DOCKER_USER_the_rule_is_behind_those_of_the_operator_and_before_the_RETURN_of_Docker()
    {
        const string docker = "*filter\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n"
            + "-A DOCKER-USER -i ext -j DROP\n-A DOCKER-USER -j RETURN\nCOMMIT\n";
        var after = Apply(docker, hasDocker: true);
        Assert.Equal(
            ["-A DOCKER-USER -i ext -j DROP", $"-A DOCKER-USER {DockerRule}", "-A DOCKER-USER -j RETURN"], RulesIn(after, "DOCKER-USER"));
        Assert.Equal("", Plan(after, hasDocker: true));
    }

    [Fact]
    public void Without_the_flag_only_rules_of_flanneld_and_of_the_network_are_removed()
    {
        var other = new FirewallRules(Ipv4Network.Parse("10.25.0.0/16"), Ipv4Network.Parse("10.25.1.0/24")) { Forwards = true };
        const string others = "*filter\n:FORWARD DROP [0:0]\n:FLANNEL-FWD - [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n"
            + "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD\n-A FLANNEL-FWD -s 10.24.0.0/16 -j ACCEPT\n"
            + "-A DOCKER-USER -d 10.24.0.0/16 -j ACCEPT\nCOMMIT\n";
        var both = Apply(Apply(others, hasDocker: true), hasDocker: true, other);
        Assert.Equal("", Plan(both, hasDocker: true));
        Assert.Equal("", Plan(both, hasDocker: true, other));

        var without = Apply(both, IptablesTable.Empty("filter"), s_network);
        Assert.DoesNotContain(Chain, without, StringComparison.Ordinal);
        Assert.DoesNotContain(Comment, without, StringComparison.Ordinal);
        Assert.Equal("", Plan(without, hasDocker: true, other));
        Assert.Equal(Sorted(others), Sorted(Apply(both, IptablesTable.Empty("filter"), null)));
    }

    [Fact]
    public void DOCKER_USER_is_removed_with_its_last_rule_unless_Docker_uses_it()
    {
        var alone = Apply("", hasDocker: true);
        Assert.DoesNotContain("DOCKER-USER", Apply(alone, IptablesTable.Empty("filter"), s_network), StringComparison.Ordinal);
        var used = alone.Replace("COMMIT", "-A FORWARD -j DOCKER-USER\nCOMMIT", StringComparison.Ordinal);
        Assert.Contains(":DOCKER-USER", Apply(used, IptablesTable.Empty("filter"), s_network), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_chains_are_short_enough_for_every_network()
    {
        foreach (var longest in new[] { "223.255.255.240/28", "fd00:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124" }.Select(IpNetwork.Parse))
        {
            Assert.All(
                new[] { IptablesNames.ForwardChain(longest), IptablesNames.MasqueradeChain(longest) },
                // The kernel's limit is 29, with the final zero (linux/netfilter/x_tables.h).
                name => Assert.InRange(name.Length, 1, 28));
            Assert.True(IptablesNames.IsOwnChain(IptablesNames.MasqueradeChain(longest), null));
            Assert.True(IptablesNames.IsOwnRule($"{IptablesNames.ForwardComment(longest)} -j ACCEPT", null));
        }

        Assert.False(IptablesNames.IsOwnChain("FLANNEL-FWD", null));
    }

    private static string Plan(string observed, bool hasDocker = false, FirewallRules? rules = null)
    {
        rules ??= Rules;
        return IptablesPlan.Compose(IptablesRules.Forwarding(rules, hasDocker), IptablesSnapshot.Parse(observed), rules.Network);
    }

    private static string Apply(string observed, bool hasDocker = false, FirewallRules? rules = null) =>
        Apply(observed, IptablesRules.Forwarding(rules ?? Rules, hasDocker), (rules ?? Rules).Network);

    /// <summary>What iptables-restore --noflush makes of the plan.</summary>
    private static string Apply(string observed, IptablesTable desired, IpNetwork? network)
    {
        var plan = IptablesPlan.Compose(desired, IptablesSnapshot.Parse(observed), network);
        var chains = IptablesSnapshot.Parse(observed).Chains("filter").ToDictionary(pair => pair.Key, pair => pair.Value.ToList());
        chains.TryAdd("FORWARD", []);
        foreach (var line in plan.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(' ', 3);
            switch (parts[0])
            {
                case "*filter" or "COMMIT": break;
                case "-A": chains[parts[1]].Add(parts[2]); break;
                case "-D": Assert.True(chains[parts[1]].Remove(parts[2]), line); break;
                case "-F": chains[parts[1]].Clear(); break;
                case "-X":
                    Assert.Empty(chains[parts[1]]);
                    Assert.DoesNotContain(
                        chains.Values, rules => rules.Any(rule => rule.EndsWith($"-j {parts[1]}", StringComparison.Ordinal)));
                    chains.Remove(parts[1]);
                    break;
                case "-I":
                    var rule = parts[2].Split(' ', 2);
                    chains[parts[1]].Insert(int.Parse(rule[0], System.Globalization.CultureInfo.InvariantCulture) - 1, rule[1]);
                    break;
                default: chains[parts[0][1..]] = []; break;
            }
        }

        var lines = chains.Keys.Select(chain => $":{chain} - [0:0]")
            .Concat(chains.SelectMany(pair => pair.Value.Select(rule => $"-A {pair.Key} {rule}")));
        return $"*filter\n{string.Join('\n', lines)}\nCOMMIT\n";
    }

    private static IEnumerable<string> RulesIn(string text, string chain) =>
        text.Split('\n').Where(line => line.StartsWith($"-A {chain} ", StringComparison.Ordinal));

    private static IEnumerable<string> Sorted(string text) =>
        text.Split('\n').Select(line => Regex.Replace(line, @" (ACCEPT|DROP) \[.*", " - [0:0]")).Order(StringComparer.Ordinal);
}
