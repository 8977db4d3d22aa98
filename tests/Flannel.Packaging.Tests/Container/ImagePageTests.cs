using Flannel.Packaging.Tests.Systemd;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>Runs the commands of packaging/container/README.md for a registry, for Docker and for containerd. ImageRunTests runs those for
/// podman.</summary>
public sealed class ImagePageTests : DocumentedMachineTest
{
    private const string Page = "packaging/container/README.md";
    private const string PublishedEtcd = "http://192.168.1.11:2379";

    [Fact]
    public async Task The_commands_of_the_page_load_the_image_and_run_it_with_Docker()
    {
        var image = Packages.Image;
        await StartMachineAsync(root: DebianRootKind.Pages);
        // VERSION is a valid tag and a part of a file name: nothing of the page is replaced.
        File.Copy(image, Path.Combine(PackageFolder, "flanneld-VERSION-oci.tar"));
        await StartRegistryAsync();
        await Machine.RunAsync($"cp /packages/*-oci.tar {Home}", Cancel);

        await RunPageAsync(Page, "", (PublishedEtcd,
            $"{Vpc.Etcd.Endpoint} --vpc-endpoint={VpcTopology.ApiEndpoint} --ecs-endpoint={VpcTopology.ApiEndpoint}"));

        await Eventually.IsAsync("the container writes subnet.env", async () => await ReadAsync(SubnetFile) is not null, Cancel,
            TimeSpan.FromSeconds(60), () => Machine.TryAsync("docker logs flanneld 2>&1", Cancel).GetAwaiter().GetResult().Output);
        Assert.NotNull(await RouteAsync(SubnetOf(await HeldLeaseAsync())));
        Assert.Contains("healthcheck", await Machine.RunAsync("docker inspect --format '{{json .Config.Healthcheck}}' flanneld", Cancel),
            StringComparison.Ordinal);
        Assert.Equal("", await Machine.RunAsync("docker exec flanneld /opt/bin/flanneld healthcheck", Cancel));
        Assert.Contains("flanneld", await Machine.RunAsync("ctr --namespace k8s.io images list --quiet", Cancel), StringComparison.Ordinal);
        Assert.Contains("VERSION", await Machine.RunAsync(
            "curl -s http://registry.example.com/v2/flanneld/tags/list", Cancel), StringComparison.Ordinal);
    }

    /// <summary>A registry without TLS for the name of the page.</summary>
    private async Task StartRegistryAsync()
    {
        await Machine.WriteAsync("/etc/hosts", "127.0.0.1 localhost registry.example.com\n", Cancel);
        await Machine.WriteAsync(
            "/etc/containers/registries.conf", "[[registry]]\nlocation = \"registry.example.com\"\ninsecure = true\n", Cancel);
        await Machine.WriteAsync("/etc/containers/policy.json", """{"default":[{"type":"insecureAcceptAnything"}]}""", Cancel);
        await Machine.WriteAsync("/root/registry.yml", """
            version: 0.1
            storage: {filesystem: {rootdirectory: /root/registry}}
            http: {addr: ":80"}

            """, Cancel);
        await Machine.RunAsync("systemd-run --unit=registry docker-registry serve /root/registry.yml", Cancel);
        await Eventually.IsAsync("the registry answers", async () =>
            (await Machine.TryAsync("curl -sf http://registry.example.com/v2/", Cancel)).ExitCode == 0, Cancel);
    }
}
