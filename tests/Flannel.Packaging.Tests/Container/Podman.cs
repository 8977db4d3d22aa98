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

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);
    private static readonly HashSet<Podman> s_living = [];

    private readonly RunFolder _folder = new("podman");
    private readonly NetworkNamespace _namespace;
    private readonly Dictionary<string, string> _environment;

    // Containers are no children of ours, and would outlive us.
    static Podman() => AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();

    public Podman(NetworkNamespace ns)
    {
        _namespace = ns;
        var configuration = Path.Combine(_folder.Path, "containers.conf");
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
        _environment = new()
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = _folder.Path,
            ["TMPDIR"] = _folder.Path,
            ["CONTAINERS_CONF"] = configuration,
        };
        lock (s_living)
        {
            s_living.Add(this);
        }
    }

    /// <summary>What stands before podman's own words.</summary>
    private IReadOnlyList<string> Store =>
        ["--root", Path.Combine(_folder.Path, "root"), "--runroot", Path.Combine(_folder.Path, "run"), "--tmpdir", Path.Combine(_folder.Path, "tmp"), "--storage-driver", "vfs"];

    public Task<CommandResult> TryRunAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.TryRunAsync(new ProgramStart(Program, [.. Store, .. arguments]) { Namespace = _namespace, Environment = _environment }, cancel);

    /// <exception cref="TestbedException">It failed.</exception>
    public Task<string> RunAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.RunAsync(new ProgramStart(Program, [.. Store, .. arguments]) { Namespace = _namespace, Environment = _environment }, cancel);

    /// <summary>Has the shell run a line that starts with podman, as a reader of a document would.</summary>
    public Task<string> RunLineAsync(string line, CancellationToken cancel)
    {
        const string word = "podman ";
        Assert.StartsWith(word, line, StringComparison.Ordinal);
        var store = string.Join(' ', Store.Select(argument => $"'{argument}'"));
        return ProcessCommand.RunAsync(new ProgramStart("/bin/sh", ["-euc", $"{Program} {store} {line[word.Length..]}"]) { Namespace = _namespace, Environment = _environment }, cancel);
    }

    /// <summary>What podman knows of a container.</summary>
    public async Task<JsonObject> InspectAsync(string container, CancellationToken cancel) =>
        JsonNode.Parse(await RunAsync(cancel, "container", "inspect", container))!.AsArray().Single()!.AsObject();

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(s_limit);
        var removed = await TryRunAsync(limit.Token, "rm", "--all", "--force", "--time=0");
        // The monitor of a container takes a moment to write its last words into the folder.
        await Eventually.IsAsync("no process of podman is left", () => Task.FromResult(Living().Count == 0), limit.Token, context: () => string.Join('\n', Living()));
        lock (s_living)
        {
            s_living.Remove(this);
        }
        _folder.Dispose();
        if (removed.ExitCode != 0 || Directory.Exists(_folder.Path))
        {
            throw new TestbedException($"podman leaves something behind in {_folder.Path}: {removed.Error}");
        }
    }

    private static void KillAll()
    {
        lock (s_living)
        {
            foreach (var (id, _) in s_living.SelectMany(podman => podman.Living()))
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
                    if (line.Contains(_folder.Path, StringComparison.Ordinal))
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
