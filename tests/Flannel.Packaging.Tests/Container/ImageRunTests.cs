using System.Net;
using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>The image under podman on a simulated ECS instance, with the command of packaging/container/README.md.</summary>
public sealed class ImageRunTests
{
    private const int DaemonUser = 65532;
    private const string Name = "flanneld";
    private const string EtcdName = "etcd.flannel.test";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_published_command_makes_the_node_ready_without_capabilities()
    {
        await using var vpc = await StartAsync();
        var instance = vpc.Instances[0];
        await using var podman = new Podman(instance.Namespace!);
        var image = await LoadAsync(podman);
        var run = await FolderOfDaemonAsync(instance);
        var line = PublishedLine(image, run, "http://192.168.1.11:2379", $"http://{VpcTopology.EtcdAddress}:2379");
        await podman.RunLineAsync($"{line} {Endpoints}", Cancel);
        await WaitForReadyAsync(podman);

        var file = Path.Combine(run, "subnet.env");
        Assert.Matches(@"^FLANNEL_NETWORK=10\.24\.0\.0/16\nFLANNEL_SUBNET=10\.24\.\d+\.1/24\nFLANNEL_MTU=\d+\nFLANNEL_IPMASQ=false\n$",
            await File.ReadAllTextAsync(file, Cancel));
        Assert.Equal($"{DaemonUser} 644",
            (await ProcessCommand.RunAsync(new ProgramStart("/usr/bin/stat", ["-c", "%u %a", file]), Cancel)).Trim());
        Assert.Equal(0, (await podman.TryRunAsync(Cancel, "healthcheck", "run", Name)).ExitCode);

        await AssertUnprivilegedAsync(podman);

        // The container stops with exit code 0, and its next start keeps the subnet.
        var subnet = await File.ReadAllTextAsync(file, Cancel);
        await podman.RunAsync(Cancel, "stop", "--time=20", Name);
        Assert.Equal(0, (await podman.InspectAsync(Name, Cancel))["State"]!["ExitCode"]!.GetValue<int>());
        await podman.RunAsync(Cancel, "start", Name);
        await WaitForReadyAsync(podman);
        Assert.Equal(subnet, await File.ReadAllTextAsync(file, Cancel));
        Assert.Single(await vpc.LeasesAsync(Cancel));
        SecretScanner.AssertNoneIn("the container's log", await LogAsync(podman));
    }

    [Fact]
    public async Task The_health_check_reports_why_the_node_is_not_ready()
    {
        await using var vpc = await StartAsync();
        var instance = vpc.Instances[0];
        await using var podman = new Podman(instance.Namespace!);
        var image = await LoadAsync(podman);
        var line = PublishedLine(image, await FolderOfDaemonAsync(instance), "http://192.168.1.11:2379", "http://127.0.0.1:1");
        await podman.RunLineAsync($"{line} {Endpoints}", Cancel);
        await Eventually.IsAsync("the daemon responds",
            async () => (await podman.TryRunAsync(Cancel, "exec", Name, "flanneld", "healthcheck"))
                .Error.Contains("flanneld is not ready", StringComparison.Ordinal), Cancel);
        var health = await podman.TryRunAsync(Cancel, "exec", Name, "/opt/bin/flanneld", "healthcheck");
        Assert.Equal(1, health.ExitCode);
        Assert.Contains("[-]lease failed", health.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await podman.TryRunAsync(Cancel, "healthcheck", "run", Name)).ExitCode);
    }

    /// <summary>A static executable in an image without a distribution must still use /etc/hosts and the system's CA bundle.</summary>
    [Fact]
    public async Task The_hosts_file_and_the_system_CA_bundle_work_in_the_container()
    {
        await using var vpc = await StartAsync(EtcdName);
        var instance = vpc.Instances[0];
        // A DNS server that returns NXDOMAIN for the name of etcd.
        using var names = await DnsServer.StartAsync(instance.Namespace!, "other.flannel.test", IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var podman = new Podman(instance.Namespace!);
        var image = await LoadAsync(podman);
        var tls = vpc.EtcdTls!;
        await podman.RunAsync(Cancel,
        [
            "run", "--detach", $"--name={Name}", "--network=host", "--read-only", "--cap-drop=ALL", "--dns=127.0.0.1",
            $"--add-host={EtcdName}:{VpcTopology.EtcdAddress}",
            $"--volume={await FolderOfDaemonAsync(instance)}:/run/flannel",
            // Without --etcd-cafile: the CA is mounted over the system's bundle.
            $"--volume={tls.Authority}:/etc/ssl/certs/ca-certificates.crt:ro", $"--volume={tls.Client.Certificate}:/client.pem:ro",
                $"--volume={tls.Client.Key}:/client-key.pem:ro",
            image, $"--etcd-endpoints=https://{EtcdName}:2379", "--etcd-certfile=/client.pem",
            "--etcd-keyfile=/client-key.pem", .. Endpoints.Split(' '),
        ]);
        await WaitForReadyAsync(podman);
        Assert.Single(await vpc.LeasesAsync(Cancel));
    }

    [Fact]
    public async Task A_folder_without_write_permission_is_reported()
    {
        await using var vpc = await StartAsync();
        var instance = vpc.Instances[0];
        await using var podman = new Podman(instance.Namespace!);
        var image = await LoadAsync(podman);
        using var roots = new RunFolder("roots");
        var line = PublishedLine(image, roots.Path, "http://192.168.1.11:2379", $"http://{VpcTopology.EtcdAddress}:2379");
        await podman.RunLineAsync($"{line} {Endpoints}", Cancel);
        await Eventually.IsAsync("the log names the file",
            async () => (await LogAsync(podman)).Contains("cannot write /run/flannel/subnet.env", StringComparison.Ordinal), Cancel);
        Assert.Empty(Directory.GetFiles(roots.Path));
    }

    /// <summary>Asserts that the daemon runs as its own user without capabilities, on a read-only root and the host's network.</summary>
    private static async Task AssertUnprivilegedAsync(Podman podman)
    {
        var container = await podman.InspectAsync(Name, Cancel);
        Assert.True(container["HostConfig"]!["ReadonlyRootfs"]!.GetValue<bool>());
        Assert.Equal("host", container["HostConfig"]!["NetworkMode"]!.GetValue<string>());
        var status = await File.ReadAllLinesAsync($"/proc/{container["State"]!["Pid"]!.GetValue<int>()}/status", Cancel);
        string[] lines =
        [
            $"Uid:\t{DaemonUser}\t{DaemonUser}\t{DaemonUser}\t{DaemonUser}",
            "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1",
        ];
        Assert.All(lines, expected => Assert.Contains(expected, status));
    }

    /// <summary>The flags with the endpoints of the simulated APIs.</summary>
    private static string Endpoints =>
        $"--vpc-endpoint={VpcTopology.ApiEndpoint} --ecs-endpoint={VpcTopology.ApiEndpoint}";

    private static async Task<VpcTopology> StartAsync(string? etcdName = null)
    {
        await Require.NamespacesAsync();
        Require.Program(EtcdServer.Program);
        Require.Program(Podman.Program);
        var vpc = await VpcTopology.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(1) }, Cancel, etcdName);
        await vpc.PublishConfigAsync(Cancel);
        return vpc;
    }

    /// <summary>Creates a folder that belongs to the daemon's user, as the README does.</summary>
    private static async Task<string> FolderOfDaemonAsync(EcsInstance instance)
    {
        var folder = Directory.CreateDirectory(Path.Combine(instance.Folder, "run-flannel")).FullName;
        await ProcessCommand.RunAsync(new ProgramStart("/bin/chown", [$"{DaemonUser}:{DaemonUser}", folder]), Cancel);
        return folder;
    }

    /// <summary>Loads the archive with the command of the README; returns the name of the image.</summary>
    private static async Task<string> LoadAsync(Podman podman)
    {
        var output = await podman.RunAsync(Cancel, "load", "--quiet", "--input", Packages.Image);
        var name = new OciArchive(Packages.Image).Root["annotations"]!["org.opencontainers.image.ref.name"]!.GetValue<string>();
        Assert.Equal($"Loaded image: {name}", output.Trim());
        return name;
    }

    /// <summary>The podman command of the README with the image, folder and etcd of the test; each must occur exactly once.</summary>
    private static string PublishedLine(string image, string folder, string etcd, string etcdOfTest)
    {
        var readme = File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", "README.md"));
        var start = readme.IndexOf("podman run --detach", StringComparison.Ordinal);
        Assert.True(start >= 0, "the README has no line that starts with 'podman run --detach'");
        var line = readme[start..readme.IndexOf("\n```", start, StringComparison.Ordinal)];
        foreach (var (published, actual)
            in new[] { ("localhost/flanneld:VERSION", image), ("--volume=/run/flannel:", $"--volume={folder}:"), (etcd, etcdOfTest) })
        {
            Assert.Equal(2, line.Split(published).Length);
            line = line.Replace(published, actual, StringComparison.Ordinal);
        }
        return line;
    }

    private static Task WaitForReadyAsync(Podman podman) => Eventually.IsAsync("the health check succeeds",
        async () => (await podman.TryRunAsync(Cancel, "exec", Name, "/opt/bin/flanneld", "healthcheck")).ExitCode == 0, Cancel,
        TimeSpan.FromSeconds(60), () => LogAsync(podman).GetAwaiter().GetResult());

    private static async Task<string> LogAsync(Podman podman)
    {
        var log = await podman.TryRunAsync(Cancel, "logs", Name);
        return log.Output + log.Error;
    }
}
