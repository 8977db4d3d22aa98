using Flannel.EndToEnd.Tests;

namespace Flannel.Hosts.Tests;

/// <summary>podman with its CNI backend and the conflist of docs/containerd-cni.md.</summary>
[Trait(HostTraits.Needs, "cni")]
[Trait(HostTraits.Needs, "podman")]
public sealed class PodmanTests : EndToEndTest
{
    private const string Configuration = """
        [network]
        network_backend = "cni"
        cni_plugin_dirs = ["/opt/cni/bin"]
        network_config_dir = "/etc/cni/net.d"
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "none"
        runtime = "runc"
        [engine.runtimes]
        runc = ["RUNC"]
        """;

    [Fact]
    [Trait(HostTraits.Quick, "true")]
    public async Task Containers_of_two_nodes_see_each_others_addresses()
    {
        await HostPrograms.RequireAsync("cni", "podman");
        await StartVpcAsync(3);
        await using var first = await StartNodeAsync(0);
        await using var second = await StartNodeAsync(1);
        var (from, to) = (await RunAsync(first), await RunAsync(second));
        Assert.Equal(from.Address, await from.SourceAtAsync(to.Address, Cancel));
        Assert.Equal(to.Address, await to.SourceAtAsync(from.Address, Cancel));
        var host = Vpc.Instances[2];
        Workload client = new("host of the VPC", host.Facts.PrivateIp, HostPrograms.Busybox,
            (line, cancel) => host.Namespace!.ExecAsync(line[0], [.. line.Skip(1)], cancel));
        Assert.Equal(client.Address, await client.SourceAtAsync(Vpc.Instances[1].Facts.PrivateIp, Cancel, CniNode.HostPort));
    }

    private async Task<CniNode> StartNodeAsync(int index)
    {
        var node = await CniNode.StartAsync(Vpc.Instances[index], false, [HostPrograms.Common, "podman"], Cancel);
        var machine = node.Machine;
        var conflist = await node.ReadConflistAsync(ConflistKind.FlannelPlugin, Cancel);
        await machine.WriteAsync("/etc/cni/net.d/10-flannel.conflist", conflist.ToJsonString(), Cancel);
        await machine.WriteAsync("/etc/containers/policy.json", """{"default":[{"type":"insecureAcceptAnything"}]}""", Cancel);
        await machine.WriteAsync("/etc/containers/containers.conf",
            Configuration.Replace("RUNC", HostPrograms.In(HostPrograms.Common, "usr", "sbin", "runc"), StringComparison.Ordinal)
                .Replace("[engine]", $"[engine]\nconmon_path = [\"{HostPrograms.In("podman", "usr", "bin", "conmon")}\"]",
                    StringComparison.Ordinal), Cancel);
        await machine.RunAsync(Cancel, "/bin/sh", "-c", $"tar -C {HostPrograms.Image} -c . | podman --storage-driver=vfs import - source");
        return node;
    }

    private static async Task<Workload> RunAsync(CniNode node)
    {
        await node.Machine.RunAsync(Cancel,
            [
                "podman", "--storage-driver=vfs", "run", "--detach", "--name=server", "--network=cbr0", "--pids-limit=0",
                $"--publish={CniNode.HostPort}:{Workload.PublishedPort}", "source", "/bin/busybox",
                .. Workload.Servers("/bin/busybox", "/www"),
            ]);
        var address = await node.Machine.RunAsync(Cancel, "podman", "--storage-driver=vfs", "inspect",
            "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "server");
        return new Workload("container of podman", address.Trim(), "/bin/busybox",
            (line, cancel) => node.Machine.TryAsync(cancel, ["podman", "--storage-driver=vfs", "exec", "server", .. line]));
    }
}
