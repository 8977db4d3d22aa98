using System.Globalization;

namespace Flannel.Testbed;

/// <summary>
/// The host of an instance, for container runtimes without systemd. Beside the network namespace of the instance it has namespaces for
/// mounts, processes, IPC, host name and control groups. /run, /var/lib and /opt are empty, /etc is a copy, and /run/flannel is the folder
/// of the instance's subnet.env.
/// </summary>
/// <remarks>Its first process ends with this process: even after SIGKILL no process and no mount remains. The control groups are of version
/// 2 without controllers, because that hierarchy exists on every host, also inside a container.</remarks>
public sealed class HostMachine : IAsyncDisposable
{
    private const string Enter = """
        setup=$1 folder=$2
        shift 2
        for file; do echo $$ >"$file"; done
        exec unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc --ipc --uts --cgroup \
            /bin/sh -c "$setup" setup "$folder"
        """;

    private const string Setup = """
        set -e
        hostname host
        mount -t sysfs sysfs /sys
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        for folder in /run /var/lib /opt; do mount -t tmpfs tmpfs "$folder"; done
        mkdir -p /run/etc/upper /run/etc/work /run/flannel /run/lock
        mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
        mount --bind "$1" /run/flannel
        echo ready
        exec sleep infinity
        """;

    /// <summary>Joins the control group first: a process outside of the control group namespace cannot move others into it.</summary>
    private const string Join = """
        for file in $1; do echo $$ >"$file"; done
        shift
        exec nsenter "$@"
        """;

    private readonly ControlGroup group = new(ResourceName.Create("host"));
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly List<ChildProcess> processes = [];
    private int leader;

    private HostMachine(IReadOnlyDictionary<string, string> environment) => this.environment = environment;

    /// <param name="environment">The environment of all its programs.</param>
    public static async Task<HostMachine> StartAsync(
        EcsInstance instance, IReadOnlyDictionary<string, string> environment, CancellationToken cancel)
    {
        var machine = new HostMachine(environment);
        try
        {
            await machine.StartLeaderAsync(instance, cancel);
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>The path outside of the machine of one of its files.</summary>
    public string PathOf(string path) => $"/proc/{leader}/root{path}";

    /// <summary>Writes a file with mode 0644, and creates its folders.</summary>
    public async Task WriteAsync(string path, string text, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        await File.WriteAllTextAsync(PathOf(path), text, cancel);
    }

    /// <summary>Starts a program that runs until the machine ends.</summary>
    public async Task<ChildProcess> StartAsync(string program, params string[] arguments)
    {
        var process = await ChildProcess.StartAsync(Command(program, arguments));
        processes.Add(process);
        return process;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <param name="line">The program and its arguments.</param>
    public Task<CommandResult> TryAsync(CancellationToken cancel, params string[] line) =>
        ProcessCommand.TryRunAsync(Command(line[0], line.Skip(1)), cancel);

    /// <exception cref="TestbedException">The exit code is not 0; the message includes the command and its output.</exception>
    public async Task<string> RunAsync(CancellationToken cancel, params string[] line)
    {
        var result = await TryAsync(cancel, line);
        return result.ExitCode == 0 ? result.Output : throw new TestbedException(
            $"{string.Join(' ', line)}: exit code {result.ExitCode}\n{result.Output}{result.Error}");
    }

    /// <summary>Runs a program with standard input to its end.</summary>
    public Task<CommandResult> RunWithInputAsync(string input, IReadOnlyList<string> line, CancellationToken cancel) =>
        ProcessCommand.TryRunAsync(Command(line[0], line.Skip(1)), cancel, input);

    public async ValueTask DisposeAsync()
    {
        // The first one is the leader: the kernel ends all processes of its PID namespace with it.
        foreach (var process in processes)
        {
            await process.DisposeAsync();
        }
        await group.DisposeAsync();
    }

    private async Task StartLeaderAsync(EcsInstance instance, CancellationToken cancel)
    {
        var ns = instance.Namespace ?? throw new TestbedException("hosts need network namespaces");
        var process = await ChildProcess.StartAsync(
            new ProgramStart("/bin/sh", ["-c", Enter, "enter", Setup, instance.Folder, .. group.ProcessFiles]) { Namespace = ns });
        processes.Add(process);
        await Eventually.IsAsync("the namespaces of the host exist", () =>
        {
            if (process.HasExited)
            {
                throw new TestbedException($"the host ended at its start\n{process.StandardOutput}{process.StandardError}");
            }
            return Task.FromResult(process.StandardOutput.Contains("ready", StringComparison.Ordinal));
        }, cancel);
        var children = await File.ReadAllTextAsync($"/proc/{process.Id}/task/{process.Id}/children", cancel);
        leader = int.Parse(children, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }

    private ProgramStart Command(string program, IEnumerable<string> arguments) => new("/bin/sh",
    [
        "-c", Join, "join", string.Join(' ', group.ProcessFiles), $"--target={leader}", "--mount", "--pid", "--ipc", "--uts", "--net",
        "--cgroup", "--", "/usr/bin/env", "--ignore-environment", .. environment.Select(pair => $"{pair.Key}={pair.Value}"),
        program, .. arguments,
    ]);
}
