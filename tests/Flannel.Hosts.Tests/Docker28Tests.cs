namespace Flannel.Hosts.Tests;

[Trait(HostTraits.Needs, DockerRelease.Sid)]
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
