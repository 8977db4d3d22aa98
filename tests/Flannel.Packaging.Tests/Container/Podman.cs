using System.Diagnostics;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>
/// podman with a separate store, in a network namespace: its host network is that of an ECS instance. Disposing removes containers and
/// store.
/// </summary>
internal sealed class Podman : IAsyncDisposable
{
    public const string Program = "/usr/bin/podman";

    private static readonly TimeSpan limit = TimeSpan.FromMinutes(1);
    private static readonly HashSet<Podman> active = [];

    private readonly RunFolder folder = new("podman");
    private readonly NetworkNamespace ns;
    private readonly Dictionary<string, string> environment;

    // Containers are no child processes and would survive this process.
    static Podman() => AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();

    public Podman(NetworkNamespace ns)
    {
        this.ns = ns;
        var configuration = Path.Combine(folder.Path, "containers.conf");
        // Works without systemd for cgroups and journal, and with the limits of this host.
        File.WriteAllText(configuration, """
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
            log_driver = "k8s-file"
            [engine]
            runtime = "runc"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            """);
        environment = new()
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = folder.Path,
            ["TMPDIR"] = folder.Path,
            ["CONTAINERS_CONF"] = configuration,
        };
        lock (active)
        {
            active.Add(this);
        }
    }

    /// <summary>The global options of podman.</summary>
    private IReadOnlyList<string> Store =>
        ["--root", Path.Combine(folder.Path, "root"), "--runroot", Path.Combine(folder.Path, "run"), "--tmpdir",
            Path.Combine(folder.Path, "tmp"), "--storage-driver", "vfs"];

    public Task<CommandResult> TryRunAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.TryRunAsync(new ProgramStart(Program, [.. Store, .. arguments]) { Namespace = ns, Environment = environment },
            cancel);

    /// <exception cref="TestbedException">It failed.</exception>
    public Task<string> RunAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.RunAsync(new ProgramStart(Program, [.. Store, .. arguments]) { Namespace = ns, Environment = environment }, cancel);

    /// <summary>Runs a shell command that starts with podman.</summary>
    public Task<string> RunLineAsync(string line, CancellationToken cancel)
    {
        const string command = "podman ";
        Assert.StartsWith(command, line, StringComparison.Ordinal);
        var store = string.Join(' ', Store.Select(argument => $"'{argument}'"));
        string[] arguments = ["-euc", $"{Program} {store} {line[command.Length..]}"];
        return ProcessCommand.RunAsync(
            new ProgramStart("/bin/sh", arguments) { Namespace = ns, Environment = environment }, cancel);
    }

    /// <summary>The output of podman container inspect.</summary>
    public async Task<JsonObject> InspectAsync(string container, CancellationToken cancel) =>
        JsonNode.Parse(await RunAsync(cancel, "container", "inspect", container))!.AsArray().Single()!.AsObject();

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(Podman.limit);
        var removed = await TryRunAsync(limit.Token, "rm", "--all", "--force", "--time=0");
        // The monitor of a container may still write into the folder.
        await Eventually.IsAsync("no process of podman is left", () => Task.FromResult(Monitors().Count == 0), limit.Token,
            context: () => string.Join('\n', Monitors()));
        lock (active)
        {
            active.Remove(this);
        }
        folder.Dispose();
        if (removed.ExitCode != 0 || Directory.Exists(folder.Path))
        {
            throw new TestbedException($"podman leaves containers or files in {folder.Path}: {removed.Error}");
        }
    }

    private static void KillAll()
    {
        lock (active)
        {
            foreach (var (id, _) in active.SelectMany(podman => podman.Monitors()))
            {
                using var monitor = Process.GetProcessById(id);
                monitor.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>The monitor processes, which are the parents of the containers. Their command lines contain the folder.</summary>
    private List<(int Id, string CommandLine)> Monitors()
    {
        List<(int, string)> monitors = [];
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                try
                {
                    var line = File.ReadAllText($"/proc/{process.Id}/cmdline").Replace('\0', ' ');
                    if (line.Contains(folder.Path, StringComparison.Ordinal))
                    {
                        monitors.Add((process.Id, line));
                    }
                }
                catch (IOException)
                {
                    // The process has ended.
                }
            }
        }
        return monitors;
    }
}
