using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Containers of two nodes with Docker, options from mk-docker-opts.sh, and a shipped drop-in: which address each peer
/// sees.</summary>
public abstract class DockerTests(string release) : EndToEndTest
{
    private const int Instances = 3;

    [Theory]
    [InlineData("docker-io.conf", false, Masquerading.Docker, Traits = [HostTraits.Quick, "true"])]
    [InlineData("docker.conf", false, Masquerading.Flanneld)]
    [InlineData("docker-io.conf", false, Masquerading.None)]
    [InlineData("docker.conf", true, Masquerading.Docker)]
    [InlineData("docker-io.conf", true, Masquerading.Flanneld)]
    [InlineData("docker.conf", true, Masquerading.None)]
    public async Task Containers_of_two_nodes_see_each_others_addresses(string example, bool forwarding, Masquerading by)
    {
        await using var cluster = await StartAsync(new DockerSetup(release, example, by), forwarding);
        var (first, second) = (cluster.Docker[0].Container, cluster.Docker[1].Container);
        var (host, outside) = (cluster.VpcHost, cluster.Outside);
        // The address of a container outside of the network, if its packets are answered.
        var masqueraded = by == Masquerading.None ? first.Address : cluster.Nodes[0];

        Assert.Equal(first.Address, await first.SourceAtAsync(second.Address, Cancel));
        Assert.Equal(second.Address, await second.SourceAtAsync(first.Address, Cancel));
        Assert.Equal(masqueraded, await first.SourceAtAsync(host.Address, Cancel));
        Assert.Equal(masqueraded, await first.SourceAtAsync(cluster.Nodes[1], Cancel, DockerHost.PublishedPort));
        Assert.Equal(host.Address, await host.SourceAtAsync(second.Address, Cancel));
        Assert.Equal(host.Address, await host.SourceAtAsync(cluster.Nodes[1], Cancel, DockerHost.PublishedPort));
        Assert.Equal(
            by == Masquerading.None ? Workload.NoAnswer : cluster.Nodes[0], await first.SourceAtAsync(outside.Address, Cancel));
    }

    [Fact]
    public async Task The_unit_of_Debian_gives_up_after_three_starts()
    {
        await HostPrograms.RequireAsync(release);
        Assert.Contains("\nStartLimitBurst=3\n", DockerRelease.Unit(release), StringComparison.Ordinal);
        Assert.Matches("(?m)^StartLimitInterval(Sec)?=60s?$", DockerRelease.Unit(release));
    }

    [Fact]
    public async Task Without_the_rules_of_the_drop_in_only_published_ports_answer()
    {
        await using var cluster = await StartAsync(
            new DockerSetup(release, "docker-io.conf", Masquerading.Flanneld, WithRules: false), forwarding: false);
        var (first, second) = (cluster.Docker[0].Container, cluster.Docker[1].Container);

        Assert.Equal(
            cluster.VpcHost.Address, await cluster.VpcHost.SourceAtAsync(cluster.Nodes[1], Cancel, DockerHost.PublishedPort));
        Assert.Equal(Workload.NoAnswer, await first.SourceAtAsync(second.Address, Cancel));
        Assert.Equal(Workload.NoAnswer, await cluster.VpcHost.SourceAtAsync(second.Address, Cancel));
    }

    private protected async Task<DockerCluster> StartAsync(DockerSetup setup, bool forwarding, int mtu = 1500)
    {
        await HostPrograms.RequireAsync(setup.Release);
        await StartVpcAsync(Instances);
        var vpc = (VpcTopology)Vpc;
        foreach (var instance in vpc.Instances)
        {
            await instance.Namespace!.IpAsync(Cancel, $"link set eth0 mtu {mtu}");
            await vpc.RouterNamespace.IpAsync(Cancel, $"link set {VpcRouter.Port(instance.Facts.Number)} mtu {mtu}");
        }
        return await DockerCluster.StartAsync(vpc, setup, forwarding, Cancel);
    }
}
