using System.Globalization;

namespace Flannel.Testbed;

/// <summary>
/// A Debian with systemd as process 1, in systemd-nspawn. Its root file system is an overlay over the one of eng/debian_root.sh; its
/// network is a namespace of the test bed. It can be rebooted and powered off, and keeps its disk.
/// </summary>
/// <remarks>The machine runs in mount and PID namespaces whose first process ends with this process: even after SIGKILL no process and no
/// mount remains. The systemd of the host is not involved.</remarks>
public sealed class SystemdMachine : IAsyncDisposable
{
    // nspawn writes below /run, so it gets a tmpfs there. The file of the network namespace is bound elsewhere before.
    private const string Boot = """
        set -e
        folder=$1 lower=$2 name=$3
        mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
        mount --bind "/run/netns/$4" "$folder/netns"
        mount --bind "$5" "$folder/packages"
        mount -t tmpfs tmpfs /run
        # With the controllers of version 1, which nspawn mounts read-only, no container starts in the machine.
        [ -z "$6" ] || export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
        exec systemd-nspawn --quiet --directory="$folder/root" --machine="$name" --boot --register=no --keep-unit --console=pipe \
            --capability=CAP_NET_ADMIN ${6:+--system-call-filter="$6"} --network-namespace-path="$folder/netns" \
            --bind-ro="$folder/packages:/packages"
        """;

    private const string Enter = """
        folder=$1
        shift
        while [ "$1" != -- ]; do echo $$ >"$1"; shift; done
        shift
        exec unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc /bin/sh -c "$@"
        """;

    /// <summary>System calls of runc that nspawn does not permit by default.</summary>
    private const string ContainerCalls = "add_key keyctl bpf";

    private const int RebootExitCode = 133;

    private static readonly TimeSpan commandLimit = TimeSpan.FromSeconds(50);

    private readonly string lower;
    private readonly string folder;
    private readonly string packages;
    private readonly NetworkNamespace ns;
    private readonly ControlGroup group;
    private readonly TimeSpan bootLimit;
    private readonly bool runsContainers;
    private ChildProcess? process;
    private int leader;

    private SystemdMachine(string lower, string folder, string packages, NetworkNamespace ns, TimeSpan bootLimit, bool runsContainers)
    {
        (this.lower, this.folder, this.packages, this.ns) = (lower, folder, packages, ns);
        (this.bootLimit, this.runsContainers) = (bootLimit, runsContainers);
        Name = ResourceName.Create("machine");
        group = new ControlGroup(Name);
    }

    /// <summary>The host name of the machine.</summary>
    public string Name { get; }

    /// <summary>Boots a machine and waits until systemd has started all units.</summary>
    /// <param name="lower">The root file system below the overlay; it is not changed.</param>
    /// <param name="folder">A folder for the disk, not on an overlay. It may contain files for the machine:
    /// <see cref="PathOnDisk"/>.</param>
    /// <param name="packages">A folder that is mounted read-only at /packages.</param>
    /// <param name="bootLimit">The time limit of a boot; null for one minute.</param>
    /// <param name="runsContainers">Whether Docker starts containers in it.</param>
    /// <exception cref="TestbedException">The boot failed; the message includes the console output.</exception>
    public static async Task<SystemdMachine> StartAsync(
        string lower, string folder, string packages, NetworkNamespace ns, CancellationToken cancel, TimeSpan? bootLimit = null,
        bool runsContainers = false)
    {
        foreach (var name in new[] { "upper", "work", "root", "packages" })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
        }
        await File.WriteAllBytesAsync(Path.Combine(folder, "netns"), [], cancel);
        // Without a machine id systemd would treat the boot as the first and enable every unit.
        var etc = Directory.CreateDirectory(Path.Combine(folder, "upper", "etc")).FullName;
        await File.WriteAllTextAsync(Path.Combine(etc, "machine-id"), $"{Guid.NewGuid():N}\n", cancel);
        var machine = new SystemdMachine(lower, folder, packages, ns, bootLimit ?? TimeSpan.FromSeconds(60), runsContainers);
        try
        {
            await machine.BootAsync(cancel);
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>The path below the folder of a machine for a file that is on the disk before the first boot.</summary>
    public static string PathOnDisk(string folder, string path) => Path.Combine(folder, "upper", path.TrimStart('/'));

    /// <summary>The path on the host of a file of the running machine.</summary>
    public string PathOf(string path) => $"/proc/{leader}/root{path}";

    /// <summary>Writes a file with mode 0644 as root, and creates its folders.</summary>
    public async Task WriteAsync(string path, string text, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        await File.WriteAllTextAsync(PathOf(path), text, cancel);
    }

    /// <summary>Runs a shell command in the machine as root, for at most 50 s; the exit code is then 124.</summary>
    public Task<CommandResult> TryAsync(string line, CancellationToken cancel) =>
        ProcessCommand.TryRunAsync(CommandInMachine(line), cancel);

    /// <exception cref="TestbedException">The exit code is not 0; the message includes the command and its output.</exception>
    public Task<string> RunAsync(string line, CancellationToken cancel) => ProcessCommand.RunAsync(CommandInMachine(line), cancel);

    /// <summary>A property of a unit, as <c>systemctl show</c> prints it.</summary>
    public async Task<string> PropertyAsync(string unit, string property, CancellationToken cancel) =>
        (await RunAsync($"systemctl show --value --property={property} {unit}", cancel)).Trim();

    /// <summary>The journal of a unit since the first boot.</summary>
    public Task<string> JournalAsync(string unit, CancellationToken cancel) =>
        RunAsync($"journalctl --no-pager --quiet --output=cat --unit={unit}", cancel);

    /// <summary>Stops all units and reboots. /run is empty afterwards; the disk is kept.</summary>
    public async Task RebootAsync(CancellationToken cancel)
    {
        await RunAsync("systemctl reboot", cancel);
        await WaitForEndAsync(RebootExitCode, cancel);
        await BootAsync(cancel);
    }

    /// <summary>Stops all units and powers off.</summary>
    public async Task PowerOffAsync(CancellationToken cancel)
    {
        Posix.Signal(leader, Posix.SigPowerOff);
        await WaitForEndAsync(0, cancel);
    }

    /// <summary>Kills the machine, as a power failure does.</summary>
    public async Task CrashAsync(CancellationToken cancel)
    {
        Process.Kill();
        await Process.WaitForExitAsync(cancel);
        leader = 0;
    }

    public async Task BootAsync(CancellationToken cancel)
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
        process = await ChildProcess.StartAsync(new ProgramStart("/bin/sh",
            ["-c", Enter, "enter", folder, .. group.ProcessFiles, "--", Boot, "boot", folder, lower, Name, ns.Name, packages,
                runsContainers ? ContainerCalls : ""]));
        var state = "";
        await Eventually.IsAsync("the machine has booted", async () =>
        {
            if (Process.HasExited)
            {
                throw new TestbedException($"the machine ended during boot\n{ConsoleOutput}");
            }
            leader = FindLeader();
            state = leader == 0 ? "" : (await TryAsync("systemctl is-system-running", cancel)).Output.Trim();
            return state is "running" or "degraded";
        }, cancel, bootLimit, () => $"{state}\n{ConsoleOutput}");
        if (state == "degraded")
        {
            var failed = await RunAsync("systemctl --failed --plain --no-legend; journalctl -b --no-pager -p warning", cancel);
            throw new TestbedException($"units of the machine failed during boot\n{failed}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
        await group.DisposeAsync();
    }

    /// <summary>Resources of a machine that remain on the host: groups, mounts, folders, processes. None after
    /// <see cref="DisposeAsync"/>.</summary>
    public static IReadOnlyList<string> RemainingResources(string name, string folder) =>
    [
        .. ControlGroup.Named(name),
        .. File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(folder, StringComparison.Ordinal)),
        .. new[] { "/run/systemd/nspawn/propagate", "/run/systemd/machines" }.Select(path => Path.Combine(path, name)).Where(Path.Exists),
        .. Directory.GetDirectories("/proc")
            .Where(path => int.TryParse(Path.GetFileName(path), out _) && CommandLine(path).Contains(name, StringComparison.Ordinal)),
    ];

    private ChildProcess Process => process ?? throw new InvalidOperationException("not started");

    private string ConsoleOutput => Process.StandardOutput + Process.StandardError;

    private ProgramStart CommandInMachine(string line) => leader == 0 ? throw new TestbedException("the machine is off") : new ProgramStart(
        "/usr/bin/nsenter",
        [
            "--all", $"--target={leader}", "--", "/usr/bin/env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=",
            // A kill reaches only nsenter; timeout ends the command in the machine.
            "/usr/bin/timeout", "--kill-after=3", $"{commandLimit.TotalSeconds}", "/bin/sh", "-c", line,
        ]);

    private async Task WaitForEndAsync(int exitCode, CancellationToken cancel)
    {
        var ended = await Process.WaitForExitAsync(cancel);
        leader = 0;
        if (ended != exitCode)
        {
            throw new TestbedException($"the machine ended with exit code {ended} instead of {exitCode}\n{ConsoleOutput}");
        }
    }

    /// <summary>The process of the machine's systemd: the child of nspawn that is process 1 of a PID namespace. unshare has one child,
    /// nspawn. 0 before systemd runs.</summary>
    private int FindLeader() => Children(Process.Id).SelectMany(Children).FirstOrDefault(IsLeader);

    private static bool IsLeader(int processId) => ReadProc(processId, "comm").Trim() == "systemd"
        && ReadProc(processId, "status").Split('\n')
            .FirstOrDefault(line => line.StartsWith("NSpid:", StringComparison.Ordinal))?.Split('\t') is [_, _, _, "1"];

    private static IEnumerable<int> Children(int processId) =>
        ReadProc(processId, $"task/{processId}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static string CommandLine(string folder) =>
        int.TryParse(Path.GetFileName(folder), out var id) && id != Environment.ProcessId ? ReadProc(id, "cmdline") : "";

    private static string ReadProc(int processId, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/{file}");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
