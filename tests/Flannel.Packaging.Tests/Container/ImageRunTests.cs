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

    /// <summary>The plain image says which image has the programs. The same folder and the same node then run the image -tools with the
    /// published command: firewall rules, and after a change of the configuration the tunnel.</summary>
    [Fact]
    public async Task The_image_with_tools_makes_firewall_rules_and_the_tunnel()
    {
        await using var vpc = await StartAsync();
        var instance = vpc.Instances[0];
        await using var podman = new Podman(instance.Namespace!);
        var folder = await FolderOfDaemonAsync(instance);
        var etcd = $"http://{VpcTopology.EtcdAddress}:2379";
        var plain = PublishedLine(await LoadAsync(podman), folder, "http://192.168.1.11:2379", etcd);
        await podman.RunLineAsync($"{plain} --ip-masq {Endpoints}", Cancel);
        await Eventually.IsAsync("the plain image names the other one", async () => (await LogAsync(podman)).Contains(
            "neither nft nor iptables is installed: use the container image whose tag ends in -tools", StringComparison.Ordinal), Cancel);
        await podman.RunAsync(Cancel, "rm", "--force", "--time=20", Name);
        await ProcessCommand.RunAsync(new ProgramStart("/bin/chown", ["-R", "0:0", folder]), Cancel);

        var image = await LoadAsync(podman, Packages.ToolsImage);
        var line = PublishedLine(image, folder, "http://192.168.1.11:2379", etcd, "-tools");
        await podman.RunLineAsync($"{line} {Endpoints}", Cancel);
        await WaitForReadyAsync(podman);
        Assert.Contains("FLANNEL_IPMASQ=true\n", await File.ReadAllTextAsync(Path.Combine(folder, "subnet.env"), Cancel),
            StringComparison.Ordinal);
        Assert.Contains("masquerade", await HostAsync(instance, "/usr/sbin/nft", "list", "ruleset"), StringComparison.Ordinal);
        await AssertOnlyNetAdminAsync(podman);
        // Without the extensions of iptables a rule of another program could not be read.
        Assert.Contains($"-s {TestVpc.Network}", await HostAsync(instance, "/usr/sbin/iptables", "-S"), StringComparison.Ordinal);
        await podman.RunAsync(Cancel, "rm", "--force", "--time=20", Name);

        await vpc.PublishConfigAsync(Cancel, $$$"""{"Network":"{{{TestVpc.Network}}}","Backend":{"Type":"vxlan"}}""");
        await podman.RunLineAsync($"{line} {Endpoints}", Cancel);
        await WaitForReadyAsync(podman);
        Assert.Contains("flannel.1", await HostAsync(instance, "/usr/sbin/ip", "link", "show", "type", "vxlan"), StringComparison.Ordinal);
        await podman.RunAsync(Cancel, "rm", "--force", "--time=20", Name);

        await podman.RunLineAsync(
            $"podman run --rm --network=host --read-only --cap-drop=ALL --cap-add=NET_ADMIN --volume={folder}:/run/flannel {image}"
            + " cleanup --all", Cancel);
        Assert.Equal("", await HostAsync(instance, "/usr/sbin/ip", "link", "show", "type", "vxlan"));
        Assert.DoesNotContain("flannel", await HostAsync(instance, "/usr/sbin/nft", "list", "ruleset"), StringComparison.OrdinalIgnoreCase);
    }

    private static Task<string> HostAsync(EcsInstance instance, string program, params string[] arguments) =>
        ProcessCommand.RunAsync(new ProgramStart(program, arguments) { Namespace = instance.Namespace }, Cancel);

    private static async Task AssertOnlyNetAdminAsync(Podman podman)
    {
        var container = await podman.InspectAsync(Name, Cancel);
        var status = await File.ReadAllLinesAsync($"/proc/{container["State"]!["Pid"]!.GetValue<int>()}/status", Cancel);
        // CAP_NET_ADMIN is bit 12.
        Assert.All(new[] { "CapEff:\t0000000000001000", "CapBnd:\t0000000000001000", "NoNewPrivs:\t1" },
            expected => Assert.Contains(expected, status));
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
    private static async Task<string> LoadAsync(Podman podman, string? archive = null)
    {
        archive ??= Packages.Image;
        var load = PublishedBlocks().Single(block => block.StartsWith("podman load", StringComparison.Ordinal));
        var output = await podman.RunLineAsync(load.Replace("flanneld-VERSION-oci.tar", archive, StringComparison.Ordinal), Cancel);
        var name = new OciArchive(archive).Root["annotations"]!["org.opencontainers.image.ref.name"]!.GetValue<string>();
        Assert.Equal($"Loaded image: {name}", output.Trim());
        return name;
    }

    /// <summary>The commands of the README for podman.</summary>
    private static IEnumerable<string> PublishedBlocks() =>
        MarkdownBlocks.Read(Path.Combine(Locations.Repository(), "packaging", "container", "README.md"))
            .Where(block => block is { Kind: "run", Scenario: "podman" }).Select(block => block.Text);

    /// <summary>The podman command of the README with the image, folder and etcd of the test; each must occur exactly once.</summary>
    /// <param name="suffix">Of the image's tag.</param>
    private static string PublishedLine(string image, string folder, string etcd, string etcdOfTest, string suffix = "")
    {
        var published = $"localhost/flanneld:VERSION{suffix} ";
        var line = PublishedBlocks().Single(block =>
            block.StartsWith("podman run --detach", StringComparison.Ordinal) && block.Contains(published, StringComparison.Ordinal));
        foreach (var (text, actual)
            in new[] { (published, $"{image} "), ("--volume=/run/flannel:", $"--volume={folder}:"), (etcd, etcdOfTest) })
        {
            Assert.Equal(2, line.Split(text).Length);
            line = line.Replace(text, actual, StringComparison.Ordinal);
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
