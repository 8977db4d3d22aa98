using System.Text.Json.Nodes;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The commands of flanneld on a host with the installed service, without a flag.</summary>
public sealed class InstalledCommandTests : MachineTest
{
    [Fact]
    public async Task Commands_use_the_settings_of_the_installed_service()
    {
        await StartMachineAsync();
        await InstallAsync();
        await ConfigureAsync();
        await OverrideAsync("Environment=FLANNELD_ROUTE_RESYNC=30\nEnvironment=\"FLANNELD_OPTIONS=--iface-regex ^eth\"");
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        var subnet = SubnetOf(await HeldLeaseAsync());

        var status = JsonNode.Parse(await Machine.RunAsync("flanneld status --output=json", Cancel))!;
        Assert.Equal((true, "ready"), ((bool)status["ready"]!, (string?)status["daemon"]!["state"]));
        Assert.Equal(subnet, (string?)status["lease"]!["subnet"]);

        var check = await Machine.RunAsync("flanneld check -v=1 2>&1", Cancel);
        Assert.Contains("--etcd-endpoints comes from /etc/default/flanneld\n", check, StringComparison.Ordinal);
        Assert.Contains("--route-resync comes from flanneld.service\n", check, StringComparison.Ordinal);
        Assert.Contains("--iface-regex comes from flanneld.service\n", check, StringComparison.Ordinal);
        Assert.Contains("ok       route of this node", check, StringComparison.Ordinal);
        Assert.Contains(subnet, await Machine.RunAsync("flanneld routes", Cancel), StringComparison.Ordinal);
        Assert.Contains(subnet, await Machine.RunAsync("flanneld leases", Cancel), StringComparison.Ordinal);
        await Machine.RunAsync("flanneld healthcheck", Cancel);
        await Machine.RunAsync("flanneld --dry-run", Cancel);

        await Machine.RunAsync("systemctl stop flanneld", Cancel);
        Assert.Contains("no daemon runs", await Machine.RunAsync("flanneld status 2>&1 || true", Cancel), StringComparison.Ordinal);
        Assert.NotNull(await ReadAsync("/var/lib/flannel/subnet.env.last"));
        // No route controller is elected any more: the route may still exist, and the command says so.
        var release = await Machine.RunAsync("flanneld release --wait=0 2>&1 || true", Cancel);
        Assert.Contains($"{subnet} is released", release, StringComparison.Ordinal);
        Assert.Null(await LeaseAsync(0));
        Assert.Null(await ReadAsync("/var/lib/flannel/subnet.env.last"));
    }
}
