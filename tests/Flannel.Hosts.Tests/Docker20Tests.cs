namespace Flannel.Hosts.Tests;

[Trait(HostTraits.Needs, DockerRelease.Bookworm)]
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
