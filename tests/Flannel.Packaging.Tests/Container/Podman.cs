using System.Diagnostics;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>
/// podman with a store of its own, in the network of a namespace: what is the host's network to it is an ECS instance's. All of it is gone at the end.
/// </summary>
internal sealed class Podman : IAsyncDisposable
{
    public const string Program = "/usr/bin/podman";

    private static readonly TimeSpan limit = TimeSpan.FromMinutes(1);
    private static readonly HashSet<Podman> living = [];

    private readonly RunFolder folder = new("podman");
    private readonly NetworkNamespace ns;
    private readonly Dictionary<string, string> environment;

    // Containers are no children of ours, and would outlive us.
    static Podman() => AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();

    public Podman(NetworkNamespace ns)
    {
        this.ns = ns;
        var configuration = Path.Combine(folder.Path, "containers.conf");
        // No systemd is asked to make cgroups or to write a journal, and the limits are those that this machine allows.
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
        lock (living)
        {
            living.Add(this);
        }
    }

    /// <summary>What stands before podman's own words.</summary>
    private IReadOnlyList<string> Store =>
        ["--root", Path.Combine(folder.Path, "root"), "--runroot", Path.Combine(folder.Path, "run"), "--tmpdir", Path.Combine(folder.Path, "tmp"), "--storage-driver", "vfs"];

    public Task<CommandResult> TryRunAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.TryRunAsync(new ProgramStart(Program, [.. Store, .. arguments]) { Namespace = ns, Environment = environment }, cancel);

    /// <exception cref="TestbedException">It failed.</exception>
    public Task<string> RunAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.RunAsync(new ProgramStart(Program, [.. Store, .. arguments]) { Namespace = ns, Environment = environment }, cancel);

    /// <summary>Has the shell run a line that starts with podman, as a reader of a document would.</summary>
    public Task<string> RunLineAsync(string line, CancellationToken cancel)
    {
        const string word = "podman ";
        Assert.StartsWith(word, line, StringComparison.Ordinal);
        var store = string.Join(' ', Store.Select(argument => $"'{argument}'"));
        return ProcessCommand.RunAsync(new ProgramStart("/bin/sh", ["-euc", $"{Program} {store} {line[word.Length..]}"]) { Namespace = ns, Environment = environment }, cancel);
    }

    /// <summary>What podman knows of a container.</summary>
    public async Task<JsonObject> InspectAsync(string container, CancellationToken cancel) =>
        JsonNode.Parse(await RunAsync(cancel, "container", "inspect", container))!.AsArray().Single()!.AsObject();

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(Podman.limit);
        var removed = await TryRunAsync(limit.Token, "rm", "--all", "--force", "--time=0");
        // The monitor of a container takes a moment to write its last words into the folder.
        await Eventually.IsAsync("no process of podman is left", () => Task.FromResult(Living().Count == 0), limit.Token, context: () => string.Join('\n', Living()));
        lock (living)
        {
            living.Remove(this);
        }
        folder.Dispose();
        if (removed.ExitCode != 0 || Directory.Exists(folder.Path))
        {
            throw new TestbedException($"podman leaves something behind in {folder.Path}: {removed.Error}");
        }
    }

    private static void KillAll()
    {
        lock (living)
        {
            foreach (var (id, _) in living.SelectMany(podman => podman.Living()))
            {
                using var monitor = Process.GetProcessById(id);
                monitor.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Processes that were told of our folder: the monitors, whose children the containers are.</summary>
    private List<(int Id, string CommandLine)> Living()
    {
        List<(int, string)> living = [];
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                try
                {
                    var line = File.ReadAllText($"/proc/{process.Id}/cmdline").Replace('\0', ' ');
                    if (line.Contains(folder.Path, StringComparison.Ordinal))
                    {
                        living.Add((process.Id, line));
                    }
                }
                catch (IOException)
                {
                    // Gone meanwhile.
                }
            }
        }
        return living;
    }
}
