using System.Runtime.InteropServices;
using System.Text;
using Flannel.Core;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flanneld.Host;
using Flanneld.Options.Installed;

namespace Flanneld.Commands.BugReport;

/// <summary>What the report shows of this host. It changes nothing.</summary>
internal sealed class ReportHost(HostFiles files, TimeProvider time)
{
    private const string Unit = InstalledSettingsReader.Unit;
    private const string NoSystemd = "systemd does not run on this host\n";

    /// <summary>Where systemd reads drop-ins (systemd.unit(5)).</summary>
    private static readonly string[] UnitFolders =
        ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

    /// <summary>Without Environment, whose values may be secrets: the settings are a part of the report of their own.</summary>
    private const string ShownProperties =
        "Id,LoadState,UnitFileState,ActiveState,SubState,StateChangeTimestamp,Result,StatusText,NRestarts,ExecMainStartTimestamp,"
        + "ExecMainCode,ExecMainStatus,ExecStart,FragmentPath,DropInPaths,EnvironmentFiles,User,AmbientCapabilities,"
        + "CapabilityBoundingSet,WatchdogUSec,MemoryCurrent,CPUUsageNSec,TasksCurrent";

    private readonly ProgramFolders folders = ProgramFolders.OfThisHost();

    public string DescribeVersions()
    {
        var release = files.Read("/etc/os-release") ?? files.Read("/usr/lib/os-release") ?? "no os-release\n";
        var kernel = KernelFile.Read("/proc/version")?.Trim() ?? RuntimeInformation.OSDescription;
        return $"architecture: {RuntimeInformation.ProcessArchitecture}\nkernel: {kernel}\n\n{release}";
    }

    /// <summary>The unit as systemd has it.</summary>
    public async Task<string> ReadUnitAsync(CancellationToken cancellation) =>
        await RunSystemdAsync("systemctl", ["show", "--no-pager", $"--property={ShownProperties}", Unit], cancellation)
        + "\n" + await RunSystemdAsync("systemctl", ["status", "--no-pager", "--full", "--lines=0", Unit], cancellation);

    public Task<string> ReadJournalAsync(CancellationToken cancellation) =>
        RunSystemdAsync("journalctl", ["--no-pager", "--lines=500", "--output=short-iso", $"--unit={Unit}"], cancellation);

    public async Task<string> ReadNetworkAsync(CancellationToken cancellation)
    {
        var text = new StringBuilder();
        string[][] commands = [["-details", "addr"], ["route"], ["-6", "route"], ["rule"]];
        foreach (var arguments in commands)
        {
            text.Append("# ip ").Append(string.Join(' ', arguments)).Append('\n');
            text.Append(await RunAsync("ip", arguments, cancellation)).Append('\n');
        }

        return text.ToString();
    }

    public Task<string> ReadFirewallAsync(CancellationToken cancellation) =>
        new FirewallListing(FirewallPrograms.OfThisHost(), time).ReadAsync(cancellation);

    /// <summary>The unit's drop-ins without the values of their variables.</summary>
    public string ReadDropIns()
    {
        var text = new StringBuilder();
        foreach (var path in UnitFolders.SelectMany(FindDropIns))
        {
            text.Append("# ").Append(path).Append('\n');
            text.Append(SmallFile.Read(files.PathOf(path)) switch
            {
                SmallFileResult.Present present => UnitFileText.WithoutSecrets(Encoding.UTF8.GetString(present.Content)),
                SmallFileResult.Unusable unusable => $"it {unusable.Reason}\n",
                _ => "",
            });
        }

        return text.Length > 0 ? text.ToString() : "none\n";
    }

    private IEnumerable<string> FindDropIns(string unitFolder)
    {
        var folder = $"{unitFolder}/{Unit}.d";
        return files.List(folder).Where(name => name.EndsWith(".conf", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(name => $"{folder}/{name}");
    }

    private Task<string> RunSystemdAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellation) =>
        files.Exists(Systemctl.RunFolder) ? RunAsync(program, arguments, cancellation) : Task.FromResult(NoSystemd);

    /// <returns>What the command printed, and its exit code unless it is 0.</returns>
    private async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        if (folders.Find(program) is not { } path) return $"{program} is not installed\n";
        var environment = new Dictionary<string, string> { ["PATH"] = folders.SearchPath, ["LC_ALL"] = "C.UTF-8" };
        var ended = await HostCommand.RunAsync(path, arguments, "", environment, cancellation);
        if (!ended.Ok) return $"{program} cannot be started: {ended.Error}\n";
        var (_, exitCode, output, error) = ended.Value;
        return output + error + (exitCode == 0 ? "" : $"{program} ended with exit code {exitCode}\n");
    }
}
