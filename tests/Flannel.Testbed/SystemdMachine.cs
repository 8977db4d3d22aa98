using System.Globalization;

namespace Flannel.Testbed;

/// <summary>
/// A whole Debian with systemd as its process 1, in systemd-nspawn: its root file system is an overlay over the one that eng/debian_root.sh
/// makes, its network is a namespace of the test bed. It can be rebooted and switched off, and keeps its disk meanwhile.
/// </summary>
/// <remarks>All of it lives in namespaces of mounts and of processes that die with the first process in them, and that one dies with us: even
/// when we are killed, nothing of it runs on and no mount is left. This machine's own systemd, if there is one, hears nothing of it.</remarks>
public sealed class SystemdMachine : IAsyncDisposable
{
    // What nspawn wants to keep below /run it keeps in a /run of its own. The namespace's file must be seen beyond that.
    private const string Boot = """
        set -e
        folder=$1 lower=$2 name=$3
        mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
        mount --bind "/run/netns/$4" "$folder/netns"
        mount --bind "$5" "$folder/packages"
        mount -t tmpfs tmpfs /run
        exec systemd-nspawn --quiet --directory="$folder/root" --machine="$name" --boot --register=no --keep-unit --console=pipe \
            --capability=CAP_NET_ADMIN --network-namespace-path="$folder/netns" --bind-ro="$folder/packages:/packages"
        """;

    private const string Enter = """
        folder=$1
        shift
        while [ "$1" != -- ]; do echo $$ >"$1"; shift; done
        shift
        exec unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc /bin/sh -c "$@"
        """;

    private const int RebootExitCode = 133;

    private static readonly TimeSpan commandLimit = TimeSpan.FromSeconds(50);

    private readonly string lower;
    private readonly string folder;
    private readonly string packages;
    private readonly NetworkNamespace ns;
    private readonly ControlGroup group;
    private readonly TimeSpan bootLimit;
    private ChildProcess? process;
    private int leader;

    private SystemdMachine(string lower, string folder, string packages, NetworkNamespace ns, TimeSpan bootLimit)
    {
        (this.lower, this.folder, this.packages, this.ns, this.bootLimit) = (lower, folder, packages, ns, bootLimit);
        Name = Owner.NewName("machine");
        group = new ControlGroup(Name);
    }

    /// <summary>As the host name inside has it.</summary>
    public string Name { get; }

    /// <summary>Boots one and waits until systemd has started all that it was to start.</summary>
    /// <param name="lower">The root file system, which stays as it is.</param>
    /// <param name="folder">A folder for its disk, which may hold files for it: <see cref="PathOnDisk"/>. It must not be on an overlay itself.</param>
    /// <param name="packages">A folder that is seen inside, and cannot be written to, as /packages.</param>
    /// <param name="bootLimit">How long a boot may take; null for a minute.</param>
    /// <exception cref="TestbedException">It does not come up; the message carries what it printed.</exception>
    public static async Task<SystemdMachine> StartAsync(string lower, string folder, string packages, NetworkNamespace ns, CancellationToken cancel, TimeSpan? bootLimit = null)
    {
        foreach (var name in new[] { "upper", "work", "root", "packages" })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
        }
        await File.WriteAllBytesAsync(Path.Combine(folder, "netns"), [], cancel);
        // With an identity it is no first boot, which would enable every unit there is.
        Directory.CreateDirectory(Path.Combine(folder, "upper", "etc"));
        await File.WriteAllTextAsync(Path.Combine(folder, "upper", "etc", "machine-id"), $"{Guid.NewGuid():N}\n", cancel);
        var machine = new SystemdMachine(lower, folder, packages, ns, bootLimit ?? TimeSpan.FromSeconds(60));
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

    /// <summary>Where a file belongs that is to be on the disk before the first boot: in a machine's folder, which only then needs to exist.</summary>
    public static string PathOnDisk(string folder, string path) => Path.Combine(folder, "upper", path.TrimStart('/'));

    /// <summary>A file of the machine as we see it, while it runs.</summary>
    public string PathOf(string path) => $"/proc/{leader}/root{path}";

    /// <summary>Writes a file, with its folders, as root, mode 0644.</summary>
    public async Task WriteAsync(string path, string text, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        await File.WriteAllTextAsync(PathOf(path), text, cancel);
    }

    /// <summary>Runs a shell's line inside, as root, for at most 50 s: exit code 124 afterwards.</summary>
    public Task<CommandResult> TryAsync(string line, CancellationToken cancel) => ProcessCommand.TryRunAsync(Inside(line), cancel);

    /// <exception cref="TestbedException">It failed; the message carries the line and what it printed.</exception>
    public Task<string> RunAsync(string line, CancellationToken cancel) => ProcessCommand.RunAsync(Inside(line), cancel);

    /// <summary>A property of a unit, as <c>systemctl show</c> has it.</summary>
    public async Task<string> PropertyAsync(string unit, string property, CancellationToken cancel) =>
        (await RunAsync($"systemctl show --value --property={property} {unit}", cancel)).Trim();

    /// <summary>What the journal has of a unit, since the machine was first booted.</summary>
    public Task<string> JournalAsync(string unit, CancellationToken cancel) => RunAsync($"journalctl --no-pager --quiet --output=cat --unit={unit}", cancel);

    /// <summary>As <c>reboot</c>: everything ends in order, /run is empty afterwards, the disk is kept.</summary>
    public async Task RebootAsync(CancellationToken cancel)
    {
        await RunAsync("systemctl reboot", cancel);
        await EndAsync(RebootExitCode, cancel);
        await BootAsync(cancel);
    }

    /// <summary>As its power button: everything ends in order.</summary>
    public async Task PowerOffAsync(CancellationToken cancel)
    {
        Posix.Signal(leader, Posix.SigPowerOff);
        await EndAsync(0, cancel);
    }

    /// <summary>As the power fails.</summary>
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
            ["-c", Enter, "enter", folder, .. group.Doors, "--", Boot, "boot", folder, lower, Name, ns.Name, packages]));
        var state = "";
        await Eventually.IsAsync("the machine is up", async () =>
        {
            if (Process.HasExited)
            {
                throw new TestbedException($"the machine ended as it booted\n{Said}");
            }
            leader = FindLeader();
            state = leader == 0 ? "" : (await TryAsync("systemctl is-system-running", cancel)).Output.Trim();
            return state is "running" or "degraded";
        }, cancel, bootLimit, () => $"{state}\n{Said}");
        if (state == "degraded")
        {
            throw new TestbedException($"units of the machine failed as it booted\n{await RunAsync("systemctl --failed --plain --no-legend; journalctl -b --no-pager -p warning", cancel)}");
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

    /// <summary>What a machine has left on this one; nothing after <see cref="DisposeAsync"/>.</summary>
    public static IReadOnlyList<string> LeftOf(string name, string folder) =>
    [
        .. ControlGroup.Named(name),
        .. File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(folder, StringComparison.Ordinal)),
        .. new[] { "/run/systemd/nspawn/propagate", "/run/systemd/machines" }.Select(path => Path.Combine(path, name)).Where(Path.Exists),
        .. Directory.GetDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _) && CommandLine(path).Contains(name, StringComparison.Ordinal)),
    ];

    private ChildProcess Process => process ?? throw new InvalidOperationException("not started");

    private string Said => Process.StandardOutput + Process.StandardError;

    private ProgramStart Inside(string line) => leader == 0 ? throw new TestbedException("the machine is off") : new ProgramStart("/usr/bin/nsenter",
        ["--all", $"--target={leader}", "--", "/usr/bin/env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=",
            // What we kill is nsenter; this ends what it has started inside.
            "/usr/bin/timeout", "--kill-after=3", $"{commandLimit.TotalSeconds}", "/bin/sh", "-c", line]);

    private async Task EndAsync(int exitCode, CancellationToken cancel)
    {
        var ended = await Process.WaitForExitAsync(cancel);
        leader = 0;
        if (ended != exitCode)
        {
            throw new TestbedException($"the machine ended with exit code {ended} instead of {exitCode}\n{Said}");
        }
    }

    /// <summary>unshare has one child, nspawn; of nspawn's children the leader is the one that is process 1 of a namespace. 0 while there is none.</summary>
    private int FindLeader() => Children(Process.Id).SelectMany(Children).FirstOrDefault(IsLeader);

    private static bool IsLeader(int processId) => ReadProc(processId, "comm").Trim() == "systemd"
        && ReadProc(processId, "status").Split('\n').FirstOrDefault(line => line.StartsWith("NSpid:", StringComparison.Ordinal))?.Split('\t') is [_, _, _, "1"];

    private static IEnumerable<int> Children(int processId) =>
        ReadProc(processId, $"task/{processId}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static string CommandLine(string folder) => int.TryParse(Path.GetFileName(folder), out var id) && id != Environment.ProcessId ? ReadProc(id, "cmdline") : "";

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
