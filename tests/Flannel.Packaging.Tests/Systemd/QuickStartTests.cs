using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs docs/quick-start.md on two instances, and the commands of other pages on the nodes that it made.</summary>
public sealed class QuickStartTests : DocumentedMachineTest
{
    private const string Page = "docs/quick-start.md";

    /// <summary>An address of a container of another node, as the pages write it.</summary>
    private const string Peer = "10.24.9.2";

    private SystemdMachine Second { get; set; } = null!;

    /// <summary>That of the container on the second instance.</summary>
    private string PeerAddress { get; set; } = "";

    [Fact]
    public async Task The_commands_of_the_quick_start_and_of_the_pages_for_operators_succeed()
    {
        await StartMachineAsync(instances: 2, publishConfig: false, root: DebianRootKind.Pages);
        await PrepareAsync();
        await LoadBusyboxAsync(Machine);
        await RunQuickStartAsync();
        await RunOperatorPagesAsync();
        await RunUpgradePageAsync();
        await RunSecurityPageAsync();
    }

    private async Task RunQuickStartAsync()
    {
        if (Blocks(Page) is not
            [var etcd, var install, var configure, var start, var second, var confirm, var docker, var ping])
            throw new TestbedException($"{Page} has other blocks: change this test");
        foreach (var block in new[] { etcd, install, configure, start }) await RunAsync(block);
        Second = await AddMachineAsync(DebianRootKind.Pages);
        await PrepareAsync(Second);
        await LoadBusyboxAsync(Second);
        await RunAsync(second, Second);

        var routes = await RunAsync(confirm);
        foreach (var instance in new[] { 0, 1 }) Assert.NotNull(await RouteAsync(await LeasedAsync(instance)));
        Assert.Contains(await LeasedAsync(1), routes, StringComparison.Ordinal);
        await RunAsync(docker);
        PeerAddress = (await RunAsync(docker, Second)).Trim().Split('\n')[^1];
        Assert.Contains(" 0% packet loss", await RunAsync(ping, Machine, (Peer, PeerAddress)), StringComparison.Ordinal);
    }

    /// <summary>On healthy nodes nothing that the pages ask fails.</summary>
    private async Task RunOperatorPagesAsync()
    {
        await Machine.RunAsync("docker rm --force test", Cancel);
        await RunPageAsync("docs/docker.md", "", (Peer, PeerAddress));
        await RunPageAsync("docs/troubleshooting.md");
        await RunPageAsync("docs/failure-modes/README.md");
        await RunPageAsync("docs/reference/logs.md");
        await RunPageAsync("docs/kubernetes.md");
        await RunPageAsync("docs/reference/metrics.md");
        var targets = JsonNode.Parse(await Machine.RunAsync("cat /etc/prometheus/flanneld/nodes.json", Cancel))!;
        Assert.Equal(
            Vpc.Instances.Select(instance => $"{instance.PublicIp}:8471").Order(StringComparer.Ordinal),
            targets[0]!["targets"]!.AsArray().Select(target => (string)target!).Order(StringComparer.Ordinal));
        // Docker's containers end with containerd.
        await RunPageAsync("docs/containerd-cni.md");
    }

    /// <summary>The second node leaves while the first one is the route controller, or becomes it; then the first is the last
    /// one.</summary>
    private async Task RunUpgradePageAsync()
    {
        await Packages.OlderDebAsync(Packages.Deb, PackageFolder, Cancel);
        await Machine.RunAsync($"cp {OlderDeb} {Home}", Cancel);
        if (Blocks("docs/upgrade.md") is not [var upgrade, var rollback, var leave, var last])
            throw new TestbedException("docs/upgrade.md has other blocks: change this test");
        await RunAsync(upgrade);
        await RunAsync(rollback);
        Assert.Equal(Packages.OlderVersion, await Machine.RunAsync("dpkg-query --show --showformat='${Version}' flanneld", Cancel));

        var left = await LeasedAsync(1);
        await RunAsync(leave, Second);
        Assert.Null(await RouteAsync(left));
        Assert.Equal("", (await Second.RunAsync("ls /run/flannel 2>/dev/null || true", Cancel)).Trim());
        var own = await LeasedAsync(0);
        await RunAsync(last);
        Assert.Null(await RouteAsync(own));
    }

    /// <summary>etcd with users, and a password in a credential of systemd.</summary>
    private async Task RunSecurityPageAsync()
    {
        if (Blocks("docs/security.md") is not [var users, var credential, var start, var metadata])
            throw new TestbedException("docs/security.md has other blocks: change this test");
        await RunAsync(users);
        await RunAsync(credential);
        await Machine.RunAsync(
            $"printf {Password} >/etc/flannel/etcd-password && echo FLANNELD_ETCD_USERNAME=flanneld >>/etc/default/flanneld"
            + " && sed -i /access-key:/d /etc/systemd/system/flanneld.service.d/credentials.conf", Cancel);
        // The node was removed, and leases another subnet: Docker must be on it before the check.
        await Machine.RunAsync("systemctl daemon-reload && systemctl restart flanneld && systemctl restart docker", Cancel);
        await RunAsync(start);
        await RunAsync(metadata);
        Assert.Contains("-d 100.100.100.200/32 -j DROP", await Machine.RunAsync("iptables -t raw -S PREROUTING", Cancel),
            StringComparison.Ordinal);
    }

    /// <summary>The leased subnet of an instance in the etcd of the first machine.</summary>
    private async Task<string> LeasedAsync(int instance)
    {
        var leases = JsonNode.Parse(await Machine.RunAsync("flanneld leases --output=json", Cancel))!["items"]!.AsArray();
        return (string)leases.Single(item => (string?)item!["publicIP"] == Vpc.Instances[instance].PublicIp)!["subnet"]!;
    }
}
