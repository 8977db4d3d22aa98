using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The firewall rules of the native executable, as an ordinary user with and without CAP_NET_ADMIN.</summary>
public sealed class FirewallTests : EndToEndTest
{
    private const string Iptables = "/usr/sbin/iptables";
    private const string Nft = "/usr/sbin/nft";
    private const string NotSet = "forwarding rules of 10.24.0.0/16 are not set: this process does not have CAP_NET_ADMIN";

    [Fact]
    public async Task Containers_reach_each_other_with_their_own_addresses_although_the_policy_of_FORWARD_is_DROP()
    {
        await StartAsync(2);
        foreach (var instance in Vpc.Instances)
        {
            instance.HasNetAdmin = true;
            await ExecAsync(instance, Iptables, "-P", "FORWARD", "DROP");
        }
        await StartReadyAsync(0, "--ip-masq", "--iptables-forward-rules=false");
        await StartReadyAsync(1, "--ip-masq", "--iptables-forward-rules=false");
        await using var one = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var two = await Container.StartAsync(Vpc.Instances[1], Cancel);
        Assert.Null(await SourceAsync(one, two.Namespace, two.Address));

        foreach (var instance in Vpc.Instances)
        {
            Assert.Equal(0, await instance.Daemon!.StopAsync(Cancel));
        }
        await StartReadyAsync(0, "--ip-masq");
        await StartReadyAsync(1, "--ip-masq");
        await two.WaitForPingAsync(one.Address, Cancel);
        Assert.Equal(one.Address, await SourceAsync(one, two.Namespace, two.Address));
        var host = Vpc.Instances[1];
        Assert.Equal(Vpc.Instances[0].PublicIp, await SourceAsync(one, host.Namespace!, host.PublicIp));

        // The other host sees the address of the container if its network is excluded.
        Assert.Equal(0, await Vpc.Instances[0].Daemon!.StopAsync(Cancel));
        await StartReadyAsync(0, "--ip-masq", $"--ip-masq-exclude={host.PublicIp}/32");
        Assert.Equal(one.Address, await SourceAsync(one, host.Namespace!, host.PublicIp));
    }

    [Fact]
    public async Task Rules_of_a_running_daemon_are_restored_after_a_flush()
    {
        await StartAsync(1);
        var instance = Vpc.Instances[0];
        instance.HasNetAdmin = true;
        var daemon = await StartReadyAsync(0, "--ip-masq", "--iptables-forward-rules", "--iptables-resync=1");
        Assert.Equal(new RulesFound(true, true), await HasRulesAsync(instance));
        await ExecAsync(instance, Nft, "flush", "ruleset");
        await Eventually.IsAsync("the rules are restored", async () => await HasRulesAsync(instance) == new RulesFound(true, true), Cancel);
        await Eventually.IsAsync(
            "both are reported",
            () => Task.FromResult(daemon.StandardError.Contains("restored the masquerade rules of 10.24.0.0/16", StringComparison.Ordinal)
                && daemon.StandardError.Contains("restored the forwarding rules of 10.24.0.0/16", StringComparison.Ordinal)), Cancel);

        var refused = await instance.RunCommandAsync("cleanup", Cancel);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("stop it first (systemctl stop flanneld)", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        Assert.Equal(new RulesFound(true, true), await HasRulesAsync(instance));

        var removed = await instance.RunCommandAsync("cleanup", Cancel);
        Assert.Equal(
            (0, "removed nft: table ip flannel_ali_vpc_10.24.0.0_16\nremoved iptables: rules in table filter\n", ""),
            (removed.ExitCode, removed.Output, removed.Error));
        Assert.Equal(new RulesFound(false, false), await HasRulesAsync(instance));
        Assert.Contains("nothing to remove", (await instance.RunCommandAsync("cleanup", Cancel, "--all")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_capability_the_node_is_ready_unless_the_rules_were_asked_for()
    {
        await StartAsync(1);
        var instance = Vpc.Instances[0];
        var daemon = await StartReadyAsync(0);
        await daemon.WaitForLogAsync(NotSet, Cancel);
        Assert.Single(daemon.StandardError.Split('\n'), line => line.Contains(NotSet, StringComparison.Ordinal));
        Assert.Equal(0, await daemon.StopAsync(Cancel));

        daemon = await instance.StartDaemonAsync([], new Dictionary<string, string> { ["FLANNELD_IPTABLES_FORWARD_RULES"] = "true" });
        await Eventually.IsAsync(
            "the reason is logged",
            () => Task.FromResult(daemon.StandardError.Contains("(it needs CAP_NET_ADMIN); the node is not ready without the rules",
                StringComparison.Ordinal)), Cancel, context: () => daemon.StandardError);
        Assert.Null(daemon.Notify.First("READY=1"));
        Assert.Equal(0, await daemon.StopAsync(Cancel));

        var cleanup = await instance.RunCommandAsync("cleanup", Cancel);
        Assert.Equal(1, cleanup.ExitCode);
        Assert.EndsWith("(it needs CAP_NET_ADMIN); run this as root\n", cleanup.Error, StringComparison.Ordinal);
    }

    private async Task StartAsync(int instances)
    {
        await Require.NamespacesAsync();
        Require.Program(Iptables);
        Require.Program(Nft);
        await StartVpcAsync(instances);
    }

    private static Task<string?> SourceAsync(Container from, NetworkNamespace to, string address) =>
        TcpProbe.SourceAddressAsync(from.Namespace, to, new IPEndPoint(IPAddress.Parse(address), 8080), Cancel);

    private static async Task<string> ExecAsync(EcsInstance instance, string program, params string[] arguments)
    {
        var result = await instance.Namespace!.ExecAsync(program, arguments, Cancel);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }

    /// <summary>Whether there are masquerade rules in nft, and forwarding rules in iptables.</summary>
    private static async Task<RulesFound> HasRulesAsync(EcsInstance instance) => new(
        (await ExecAsync(instance, Nft, "list", "ruleset")).Contains("table ip flannel_ali_vpc_10.24.0.0_16", StringComparison.Ordinal),
        (await ExecAsync(instance, Iptables, "-S")).Contains("-j FLANNEL-FWD-0A180000-16", StringComparison.Ordinal));

    private sealed record RulesFound(bool Masquerade, bool Forward);
}
