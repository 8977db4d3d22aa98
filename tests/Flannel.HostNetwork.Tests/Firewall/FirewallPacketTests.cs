using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flannel.Testbed;

namespace Flannel.HostNetwork.Tests.Firewall;

/// <summary>The rules in a network namespace, with the real nft and iptables, and real packets.</summary>
public sealed class FirewallPacketTests : IAsyncLifetime
{
    private const string Nft = "iptables-nft";
    private const string Legacy = "iptables-legacy";

    private readonly FirewallScripts scripts = new();
    private RoutedHost? host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static FirewallRules Rules { get; } = new(Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24"));

    private static FirewallRules OtherRules { get; } = new(Ipv4Network.Parse("10.25.0.0/16"), Ipv4Network.Parse("10.25.7.0/24"))
    {
        Masquerades = true,
        Forwards = true,
    };

    private RoutedHost Host => host!;

    private FirewallCleanup Cleanup => new(scripts.Programs, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        var unavailable = await NetworkNamespace.UnavailableAsync(Cancel);
        Assert.SkipWhen(unavailable is not null, unavailable ?? "");
        foreach (var program in new[] { "nft", "iptables-nft-save", "iptables-legacy-save" })
            Assert.SkipUnless(File.Exists("/usr/sbin/" + program), $"{program} is missing: install nftables and iptables");
        host = await RoutedHost.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null) await host.DisposeAsync();
        scripts.Dispose();
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(true, Nft)]
    [InlineData(false, Nft)]
    [InlineData(false, Legacy)]
    public async Task Masquerading_keeps_the_source_inside_the_network_and_at_excluded_destinations(bool nft, string? variant)
    {
        scripts.InstallReal(Host.Namespace, nft, variant);
        Assert.Equal(RoutedHost.Container, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));

        await InPlaceAsync(Rules with { Masquerades = true });
        Assert.Equal(RoutedHost.Address, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));
        Assert.Equal(RoutedHost.Address, await Host.SourceSeenAtAsync(RoutedHost.VpcHost, Cancel));
        Assert.Equal(RoutedHost.Container, await Host.SourceSeenAtAsync(RoutedHost.OtherContainer, Cancel));
        Assert.Equal(RoutedHost.VpcHost, await Host.SourceSeenByContainerAsync(RoutedHost.VpcHost, Cancel));

        await InPlaceAsync(Rules with { Masquerades = true, IsFullyRandom = false, Excluded = [Ipv4Network.Parse("192.168.0.0/16")] });
        Assert.Equal(RoutedHost.Address, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));
        Assert.Equal(RoutedHost.Container, await Host.SourceSeenAtAsync(RoutedHost.VpcHost, Cancel));

        await RunAsync("nft", "add table ip test; add chain ip test marking { type filter hook forward priority mangle; };"
            + " add rule ip test marking tcp dport 4000 meta mark set 0x4000");
        Assert.Equal(RoutedHost.Container, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel, port: 4000));
    }

    [Theory]
    [InlineData(Nft)]
    [InlineData(Legacy)]
    public async Task A_FORWARD_policy_of_DROP_is_opened_for_the_network_in_both_directions(string variant)
    {
        scripts.InstallReal(Host.Namespace, nft: true, variant);
        await RunAsync(variant, "-P FORWARD DROP", "-A FORWARD -s 10.24.0.9 -j DROP", "-A FORWARD -j REJECT");
        Assert.Null(await Host.SourceSeenAtAsync(RoutedHost.OtherContainer, Cancel));

        await InPlaceAsync(Rules with { Forwards = true });
        Assert.Equal(RoutedHost.Container, await Host.SourceSeenAtAsync(RoutedHost.OtherContainer, Cancel));
        Assert.Equal(RoutedHost.VpcHost, await Host.SourceSeenByContainerAsync(RoutedHost.VpcHost, Cancel));
        var forward = await RunAsync(variant, "-S FORWARD");
        Assert.Equal(
        [
            "-P FORWARD DROP", "-A FORWARD -s 10.24.0.9/32 -j DROP",
            "-A FORWARD -m comment --comment \"flanneld forward 10.24.0.0/16\" -j FLANNEL-FWD-0A180000-16",
            "-A FORWARD -j REJECT --reject-with icmp-port-unreachable",
        ], Lines(forward));

        // A flag that was taken away.
        await PassAsync(Rules);
        Assert.Null(await Host.SourceSeenAtAsync(RoutedHost.OtherContainer, Cancel));
        Assert.DoesNotContain("FLANNEL", await RunAsync(variant, "-S"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Nft, false)]
    [InlineData(Nft, true)]
    [InlineData(Legacy, false)]
    public async Task Docker_28_is_opened_through_DOCKER_USER_in_any_order_of_starts(string variant, bool dockerFirst)
    {
        // Docker's rules for a bridge, as far as they concern packets from other hosts.
        string[] docker =
        [
            "-P FORWARD DROP", "-N DOCKER", "-A FORWARD -j DOCKER-USER", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-A FORWARD -o docker0 -j DOCKER", "-A FORWARD -i docker0 -j ACCEPT", "-A DOCKER ! -i docker0 -o docker0 -j DROP",
        ];
        scripts.InstallReal(Host.Namespace, nft: true, variant);
        if (dockerFirst)
        {
            await RunAsync(variant, ["-N DOCKER-USER", "-A DOCKER-USER -s 192.168.1.12 -j DROP", "-A DOCKER-USER -j RETURN", .. docker]);
            Assert.Null(await Host.SourceSeenByContainerAsync(RoutedHost.OtherContainer, Cancel));
            await InPlaceAsync(Rules with { Forwards = true });
            // The operator's own rule in DOCKER-USER keeps its effect.
            Assert.Null(await Host.SourceSeenByContainerAsync(RoutedHost.VpcHost, Cancel));
        }
        else
        {
            scripts.Install("dockerd", "");
            await InPlaceAsync(Rules with { Forwards = true });
            await RunAsync(variant, docker);
            Assert.Equal(RoutedHost.VpcHost, await Host.SourceSeenByContainerAsync(RoutedHost.VpcHost, Cancel));
        }

        Assert.Equal(RoutedHost.OtherContainer, await Host.SourceSeenByContainerAsync(RoutedHost.OtherContainer, Cancel));
        Assert.Equal(RoutedHost.Container, await Host.SourceSeenAtAsync(RoutedHost.OtherContainer, Cancel));
    }

    [Theory]
    [InlineData(true, Nft)]
    [InlineData(false, Nft)]
    [InlineData(false, Legacy)]
    public async Task Two_networks_and_rules_of_others_do_not_disturb_each_other(bool nft, string variant)
    {
        scripts.InstallReal(Host.Namespace, nft, variant);
        await RunAsync(
            variant, "-P FORWARD DROP", "-N FLANNEL-FWD", "-A FORWARD -m comment --comment other -j FLANNEL-FWD",
            "-A FLANNEL-FWD -s 172.20.0.0/16 -j ACCEPT", "-t nat -A POSTROUTING -s 172.20.0.0/16 -j MASQUERADE");
        await RunAsync("nft", "add table ip flannel-ipv4");
        var before = await SnapshotAsync(variant);

        var rules = Rules with { Masquerades = true, Forwards = true };
        var (one, two) = (Create(rules), Create(OtherRules));
        await one.ReconcileAsync(Cancel);
        await two.ReconcileAsync(Cancel);
        Assert.Equal(("unchanged", "unchanged"), (Describe(await one.ReconcileAsync(Cancel)), Describe(await two.ReconcileAsync(Cancel))));

        Assert.NotEmpty((await Cleanup.RemoveAsync(OtherRules.Network, Cancel)).Value);
        Assert.Equal("unchanged", Describe(await one.ReconcileAsync(Cancel)));
        Assert.Equal(RoutedHost.Address, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));

        await two.ReconcileAsync(Cancel);
        Assert.NotEmpty((await Cleanup.RemoveAsync(null, Cancel)).Value);
        Assert.Empty((await Cleanup.RemoveAsync(null, Cancel)).Value);
        Assert.Equal(before, await SnapshotAsync(variant));
    }

    [Theory]
    [InlineData(true, Nft)]
    [InlineData(false, Nft)]
    [InlineData(false, Legacy)]
    public async Task Packets_of_IPv6_get_the_rules_of_their_network(bool nft, string variant)
    {
        scripts.InstallReal(Host.Namespace, nft, variant);
        var ipv6Variant = FirewallScripts.Ipv6VariantOf(variant);
        await RunAsync(ipv6Variant, "-P FORWARD DROP");
        Assert.Null(await Host.SourceSeenAtAsync(RoutedHost.InternetIpv6, Cancel));
        var rules = new FirewallRules(IpNetwork.Parse("fd00:24::/32"), IpNetwork.Parse("fd00:24:5::/64"))
        {
            Masquerades = true,
            Forwards = true,
        };

        await InPlaceAsync(rules);
        Assert.Equal(RoutedHost.AddressIpv6, await Host.SourceSeenAtAsync(RoutedHost.InternetIpv6, Cancel));
        Assert.Equal(RoutedHost.ContainerIpv6, await Host.SourceSeenAtAsync(RoutedHost.OtherContainerIpv6, Cancel));
        var firewall = Create(rules);
        await firewall.ReconcileAsync(Cancel);
        Assert.Equal("unchanged", Describe(await firewall.ReconcileAsync(Cancel)));

        var removed = (await Cleanup.RemoveAsync(rules.Network, Cancel)).Value;
        Assert.Contains("ip6tables: rules in table filter", removed);
        Assert.Equal(nft, removed.Contains("nft: table ip6 flannel_ali_vpc_fd00_24___32"));
        Assert.Empty((await Cleanup.RemoveAsync(null, Cancel)).Value);
        Assert.Null(await Host.SourceSeenAtAsync(RoutedHost.InternetIpv6, Cancel));
    }

    [Theory]
    [InlineData(true, Nft)]
    [InlineData(false, Legacy)]
    public async Task A_restart_with_another_subnet_network_or_program_leaves_no_rule_of_the_former_run(bool nft, string variant)
    {
        scripts.InstallReal(Host.Namespace, nft, variant);
        var rules = Rules with { Masquerades = true, Forwards = true };
        await InPlaceAsync(rules with { Subnet = Ipv4Network.Parse("10.24.77.0/24") });
        await InPlaceAsync(rules);
        Assert.DoesNotContain("10.24.77", await AllAsync(variant), StringComparison.Ordinal);
        Assert.Equal(RoutedHost.VpcHost, await Host.SourceSeenByContainerAsync(RoutedHost.VpcHost, Cancel));

        await InPlaceAsync(OtherRules);
        var network = new HostFirewall(rules, null, scripts.Programs, TimeProvider.System) { FormerNetworks = [OtherRules.Network] };
        Assert.IsType<FirewallResult.InPlace>((await network.ReconcileAsync(Cancel)).Masquerading);
        Assert.DoesNotContain("10.25", await AllAsync(variant), StringComparison.Ordinal);

        // EnableNFTables became false: iptables masquerades, and nft's table is removed.
        if (!nft) return;
        Assert.Contains("flannel_ali_vpc", await AllAsync(variant), StringComparison.Ordinal);
        await new HostFirewall(rules, usesNft: false, scripts.Programs, TimeProvider.System).ReconcileAsync(Cancel);
        Assert.DoesNotContain("flannel_ali_vpc", await AllAsync(variant), StringComparison.Ordinal);
        Assert.Equal(RoutedHost.Address, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));
    }

    [Theory]
    [InlineData(true, Nft)]
    [InlineData(false, Nft)]
    [InlineData(false, Legacy)]
    public async Task Flushed_rules_are_restored_by_the_next_check(bool nft, string variant)
    {
        scripts.InstallReal(Host.Namespace, nft, variant);
        await RunAsync(variant, "-P FORWARD DROP");
        var firewall = Create(Rules with { Masquerades = true, Forwards = true });
        await firewall.ReconcileAsync(Cancel);
        Assert.Equal("unchanged", Describe(await firewall.ReconcileAsync(Cancel)));
        await RunAsync(variant, "-F", "-X", "-t nat -F", "-t nat -X");
        if (nft) await RunAsync("nft", "delete table ip flannel_ali_vpc_10.24.0.0_16");
        Assert.Null(await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));
        Assert.Equal("changed", Describe(await firewall.ReconcileAsync(Cancel)));
        Assert.Equal(RoutedHost.Address, await Host.SourceSeenAtAsync(RoutedHost.Internet, Cancel));
        Assert.Equal("unchanged", Describe(await firewall.ReconcileAsync(Cancel)));
    }

    private HostFirewall Create(FirewallRules rules) => new(rules, null, scripts.Programs, TimeProvider.System);

    private Task<FirewallPass> PassAsync(FirewallRules rules) => Create(rules).ReconcileAsync(Cancel);

    /// <summary>A first pass, as at the start of the daemon.</summary>
    private async Task InPlaceAsync(FirewallRules rules)
    {
        var pass = await PassAsync(rules);
        if (rules.Masquerades) Assert.IsType<FirewallResult.InPlace>(pass.Masquerading);
        if (rules.Forwards) Assert.IsType<FirewallResult.InPlace>(pass.Forwarding);
    }

    private static string Describe(FirewallPass pass) => (pass.Masquerading, pass.Forwarding) switch
    {
        (FirewallResult.InPlace { IsChanged: false }, FirewallResult.InPlace { IsChanged: false }) => "unchanged",
        (FirewallResult.InPlace { IsChanged: true }, FirewallResult.InPlace { IsChanged: true }) => "changed",
        _ => pass.ToString(),
    };

    /// <summary>Runs commands of one program in the host's namespace.</summary>
    private async Task<string> RunAsync(string program, params string[] commands)
    {
        var output = "";
        foreach (var command in commands)
        {
            var arguments = System.Text.RegularExpressions.Regex.Matches(command, @"[^\s]+").Select(match => match.Value);
            var result = await Host.Namespace.ExecAsync("/usr/sbin/" + program, [.. arguments], Cancel);
            Assert.True(result.ExitCode == 0, $"{program} {command}: {result.Error}");
            output += result.Output;
        }

        return output;
    }

    private async Task<string> AllAsync(string variant) =>
        await RunAsync(variant, "-S", "-t nat -S") + await RunAsync("nft", "list tables ip");

    /// <summary>Without iptables-nft's own tables, which exist after their first use.</summary>
    private async Task<string[]> SnapshotAsync(string variant) =>
        [.. Lines(await AllAsync(variant)).Where(line => line is not ("table ip filter" or "table ip nat"))];

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
