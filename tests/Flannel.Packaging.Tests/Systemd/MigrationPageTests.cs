using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs docs/migration.md on a machine with a unit of the old daemon. A script stands in for its program, and
/// <see cref="LegacyDaemon"/> for what the program does in etcd and in the cloud.</summary>
public sealed class MigrationPageTests : DocumentedMachineTest
{
    private const string OldUnit = """
        [Unit]
        Description=flannel v0.19.2
        Before=docker.service
        [Service]
        ExecStart=/opt/bin/flanneld
        [Install]
        RequiredBy=docker.service
        """;

    [Fact]
    public async Task The_commands_of_the_page_replace_the_old_unit_and_bring_it_back()
    {
        await StartMachineAsync();
        await PrepareAsync();
        await Machine.WriteAsync("/opt/bin/flanneld", "#!/bin/sh\nexec sleep infinity\n", Cancel);
        await Machine.WriteAsync("/etc/systemd/system/flanneld.service", OldUnit, Cancel);
        await Machine.RunAsync("chmod 755 /opt/bin/flanneld && systemctl daemon-reload && systemctl enable --now flanneld", Cancel);
        var subnet = await LegacyDaemon.StartAsync(Vpc, Vpc.Instances[0], "10.24.40.0/24", Cancel);
        await Machine.WriteAsync(SubnetFile, TestVpc.SubnetEnv("10.24.40.1/24"), Cancel);

        var endpoint = Vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority);
        var blocks = Blocks("docs/migration.md");
        Assert.True(blocks.Count >= 6, $"{blocks.Count} blocks");
        foreach (var block in blocks.SkipLast(1)) await RunAsync(block, Machine, ("http://192.168.1.11:2379", endpoint));
        Assert.Equal("/usr/sbin/flanneld", await ProgramAsync());
        Assert.Equal(subnet, SubnetOf(await HeldLeaseAsync()));
        Assert.Equal("10.24.40.1/24", (await SubnetEnvAsync())["FLANNEL_SUBNET"]);

        await RunAsync(blocks[^1]);
        Assert.Equal("/usr/bin/sleep", await ProgramAsync());
        Assert.Equal(subnet, SubnetOf(await HeldLeaseAsync()));
        Assert.Equal("10.24.40.1/24", (await SubnetEnvAsync())["FLANNEL_SUBNET"]);
        Assert.NotNull(await RouteAsync(subnet));
    }

    private async Task<string> ProgramAsync() =>
        (await Machine.RunAsync($"readlink /proc/$(systemctl show --property=MainPID --value flanneld)/exe", Cancel)).Trim();
}
