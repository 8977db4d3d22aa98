using Flannel.HostNetwork;

namespace Flanneld.Options.Installed;

/// <summary><c>systemctl</c> of this host. It changes nothing.</summary>
internal sealed class Systemctl(TimeProvider time)
{
    private const string Program = "systemctl";

    /// <summary>Exists while systemd is the service manager (sd_booted(3)).</summary>
    public const string RunFolder = "/run/systemd/system";

    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(5);

    /// <returns>The output; null where systemd does not run, and if systemctl fails or takes too long.</returns>
    public async Task<string?> ShowAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var folders = ProgramFolders.OfThisHost();
        if (!Directory.Exists(RunFolder) || folders.Find(Program) is not { } path) return null;
        var environment = new Dictionary<string, string> { ["PATH"] = folders.SearchPath, ["LC_ALL"] = "C" };
        var ended = await HostCommand.LimitAsync(
            Program, LongestRun, stop => HostCommand.RunAsync(path, arguments, "", environment, stop), time, cancellation);
        return ended is { Ok: true, Value: { ExitCode: 0, Output: var output } } ? output : null;
    }
}
