using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Who gives packets that leave the container network the address of the host.</summary>
public enum Masquerading
{
    Docker,
    Flanneld,
    None,
}

/// <summary>How Docker is started on flanneld's subnet.</summary>
/// <param name="Example">The shipped drop-in.</param>
/// <param name="WithRules">Whether the commands of the drop-in that call iptables run.</param>
internal sealed record DockerSetup(string Release, string Example, Masquerading By, bool WithRules = true);

/// <summary>An instance with flanneld, containerd, dockerd and one container with a published port.</summary>
internal sealed class DockerHost : IAsyncDisposable
{
    public const int PublishedPort = 8080;

    private const string Name = "server";

    private readonly HostMachine machine;
    private readonly DockerSetup setup;
    private ChildProcess? docker;

    private DockerHost(HostMachine machine, DockerSetup setup) => (this.machine, this.setup) = (machine, setup);

    public HostMachine Machine => machine;

    public Workload Container { get; private set; } = null!;

    /// <summary>Starts all parts; flanneld runs already.</summary>
    public static async Task<DockerHost> StartAsync(EcsInstance instance, DockerSetup setup, CancellationToken cancel)
    {
        // The releases after bookworm use bookworm's runc, because theirs need a newer C library.
        var host = new DockerHost(await HostPrograms.StartMachineAsync(instance, cancel, HostPrograms.Common, setup.Release), setup);
        try
        {
            await host.StartDockerAsync(cancel);
            await host.StartContainerAsync(cancel);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public Task<string> DockerAsync(CancellationToken cancel, params string[] arguments) =>
        machine.RunAsync(cancel, ["docker", .. arguments]);

    public ValueTask DisposeAsync() => machine.DisposeAsync();

    private async Task StartDockerAsync(CancellationToken cancel)
    {
        var configuration = setup.By == Masquerading.None ? "{\"ip-masq\":false}" : "{}";
        await machine.WriteAsync("/etc/docker/daemon.json", configuration, cancel);
        await machine.StartAsync("containerd");
        await WaitForFileAsync("/run/containerd/containerd.sock", cancel);

        var unit = new ServiceUnit(DockerRelease.Unit(setup.Release), DropIn());
        docker = await machine.StartAsync("/bin/sh", "-c", unit.StartScript(CommandLine));
        await WaitForFileAsync("/run/docker.sock", cancel);
        await DockerAsync(cancel, "version");
        await machine.RunAsync(cancel, "/bin/sh", "-c", unit.PostScript);
    }

    /// <summary>The shipped drop-in with the path of the script.</summary>
    private string DropIn()
    {
        var packaging = Path.Combine(Locations.Repository(), "packaging");
        var text = File.ReadAllText(Path.Combine(packaging, "systemd", "examples", setup.Example))
            .Replace("@LIBEXEC@", packaging, StringComparison.Ordinal);
        if (setup.By == Masquerading.None)
        {
            text = text.Replace("mk-docker-opts.sh -c", "mk-docker-opts.sh -c -m", StringComparison.Ordinal);
        }
        return setup.WithRules
            ? text
            : string.Join('\n', text.Replace("\\\n", "", StringComparison.Ordinal).Split('\n')
                .Where(line => !line.Contains("iptables", StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>Without the socket of systemd, and with a storage driver that works on every file system.</summary>
    private static string CommandLine(string command)
    {
        Assert.Contains("-H fd://", command, StringComparison.Ordinal);
        var arguments = command[(command.IndexOf(' ', StringComparison.Ordinal) + 1)..]
            .Replace("fd://", "unix:///run/docker.sock", StringComparison.Ordinal);
        return $"dockerd {arguments} --storage-driver=vfs";
    }

    private Task WaitForFileAsync(string path, CancellationToken cancel) => Eventually.IsAsync($"{path} exists", () =>
        docker is { HasExited: true }
            ? throw new TestbedException($"dockerd ended at its start\n{docker.StandardOutput}{docker.StandardError}")
            : Task.FromResult(File.Exists(machine.PathOf(path))), cancel, TimeSpan.FromSeconds(60),
        () => docker?.StandardError ?? "");

    private async Task StartContainerAsync(CancellationToken cancel)
    {
        await machine.RunAsync(cancel, "/bin/sh", "-c", $"tar -C {HostPrograms.Image} -c . | docker import - source");
        await DockerAsync(
            cancel, ["run", "--detach", "--name", Name, "--publish", $"{PublishedPort}:{Workload.PublishedPort}", "source", "/bin/busybox",
                .. Workload.Servers("/bin/busybox", "/www")]);
        var address = await DockerAsync(
            cancel, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", Name);
        Container = new Workload($"container of {setup.Release}", address.Trim(), "/bin/busybox",
            (line, token) => machine.TryAsync(token, ["docker", "exec", Name, .. line]));
    }
}
