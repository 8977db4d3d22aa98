using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Containers of two nodes with Docker, options from mk-docker-opts.sh, and a shipped drop-in: which address each peer
/// sees.</summary>
public abstract class DockerTests(string release) : EndToEndTest
{
    private const int Instances = 3;

    [Theory]
    [InlineData("docker-io.conf", false, Masquerading.Docker)]
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

[Trait(DockerRelease.Trait, DockerRelease.Bookworm)]
public sealed class Docker20Tests() : DockerTests(DockerRelease.Bookworm)
{
    [Fact]
    public async Task Without_the_rules_Docker_replaces_the_source_by_the_nodes_address()
    {
        await using var cluster = await StartAsync(
            new DockerSetup(DockerRelease.Bookworm, "docker-io.conf", Masquerading.Docker, WithRules: false), forwarding: true);
        Assert.Equal(
            cluster.Nodes[0], await cluster.Docker[0].Container.SourceAtAsync(cluster.Docker[1].Container.Address, Cancel));
    }

    [Fact]
    public async Task Jumbo_frames_pass_between_containers_and_user_defined_networks_keep_an_MTU_of_1500()
    {
        await using var cluster = await StartAsync(
            new DockerSetup(DockerRelease.Bookworm, "docker-io.conf", Masquerading.Docker), forwarding: true, mtu: 8500);
        var (from, to) = (cluster.Docker[0].Container, cluster.Docker[1].Container);
        var ping = await from.Run(["/bin/busybox", "ping", "-c", "1", "-W", "3", "-s", "8400", to.Address], Cancel);
        Assert.True(ping.ExitCode == 0, ping.Output + ping.Error);

        Assert.Equal(8500, await MtuAsync(cluster.Docker[0], "bridge"));
        await cluster.Docker[0].DockerAsync(Cancel, "network", "create", "user");
        Assert.Equal(1500, await MtuAsync(cluster.Docker[0], "user"));
        await cluster.Docker[0].DockerAsync(Cancel, "network", "create", "--opt", "com.docker.network.driver.mtu=8500", "wide");
        Assert.Equal(8500, await MtuAsync(cluster.Docker[0], "wide"));
    }

    /// <summary>The MTU that a container of the network gets.</summary>
    private static async Task<int> MtuAsync(DockerHost host, string network) => int.Parse(
        await host.DockerAsync(Cancel, "run", "--rm", "--network", network, "source", "/bin/busybox", "cat", "/sys/class/net/eth0/mtu"),
        System.Globalization.NumberStyles.AllowTrailingWhite, System.Globalization.CultureInfo.InvariantCulture);
}

[Trait(DockerRelease.Trait, DockerRelease.Trixie)]
public sealed class Docker26Tests() : DockerTests(DockerRelease.Trixie);

[Trait(DockerRelease.Trait, DockerRelease.Sid)]
public sealed class Docker28Tests() : DockerTests(DockerRelease.Sid)
{
    [Fact]
    public async Task Without_the_rules_it_drops_what_is_routed_also_with_ip_forward_before()
    {
        await using var cluster = await StartAsync(
            new DockerSetup(DockerRelease.Sid, "docker-io.conf", Masquerading.Flanneld, WithRules: false), forwarding: true);
        Assert.Equal(
            Workload.NoAnswer, await cluster.Docker[0].Container.SourceAtAsync(cluster.Docker[1].Container.Address, Cancel));
    }
}
