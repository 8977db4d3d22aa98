using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>containerd's library for CNI (go-cni) reads the conflist in /etc/cni/net.d: the client <c>ctr run --cni</c> uses it, as the CRI
/// plugin does.</summary>
[Trait(HostTraits.Needs, "cni")]
public sealed class ContainerdTests : EndToEndTest
{
    private const string Root = "/run/rootfs";

    [Theory]
    [InlineData(ConflistKind.FlannelPlugin)]
    [InlineData(ConflistKind.Generated)]
    public async Task Containers_of_two_nodes_see_each_others_addresses(ConflistKind kind)
    {
        await HostPrograms.RequireAsync("cni", DockerRelease.Bookworm);
        await StartVpcAsync(2);
        await using var first = await StartNodeAsync(0, kind);
        await using var second = await StartNodeAsync(1, kind);
        var (from, to) = (await RunAsync(first), await RunAsync(second));
        Assert.Equal(from.Address, await from.SourceAtAsync(to.Address, Cancel));
        Assert.Equal(to.Address, await to.SourceAtAsync(from.Address, Cancel));
    }

    private async Task<CniNode> StartNodeAsync(int index, ConflistKind kind)
    {
        var node = await CniNode.StartAsync(Vpc.Instances[index], false, [HostPrograms.Common, DockerRelease.Bookworm], Cancel);
        var conflist = await node.ReadConflistAsync(kind, Cancel);
        await node.Machine.WriteAsync("/etc/cni/net.d/10-flannel.conflist", conflist.ToJsonString(), Cancel);
        await node.Machine.RunAsync(Cancel, "/bin/cp", "-a", HostPrograms.Image, Root);
        await node.Machine.StartAsync("containerd");
        await Eventually.IsAsync("containerd listens",
            () => Task.FromResult(File.Exists(node.Machine.PathOf("/run/containerd/containerd.sock"))), Cancel);
        return node;
    }

    private static async Task<Workload> RunAsync(CniNode node)
    {
        await node.Machine.RunAsync(
            Cancel,
            [
                "ctr", "run", "--detach", "--cni", "--cpu-shares=0", "--rootfs", Root, "server", "/bin/busybox",
                .. Workload.Servers("/bin/busybox", "/www"),
            ]);
        async Task<CommandResult> ExecAsync(IReadOnlyList<string> line, CancellationToken cancel) =>
            await node.Machine.TryAsync(cancel, ["ctr", "task", "exec", "--exec-id", $"e{Guid.NewGuid():N}", "server", .. line]);
        var ip = (await ExecAsync(["/bin/busybox", "ip", "-4", "-o", "address", "show", "eth0"], Cancel)).Output;
        var address = ip.Split("inet ")[1].Split('/')[0];
        return new Workload("container of containerd", address, "/bin/busybox", ExecAsync);
    }
}
