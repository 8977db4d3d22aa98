using Flanneld.Commands.Check.Facts;
using Flanneld.Host;
using Flanneld.Host.Reload;
using Flanneld.Options;
using Flanneld.Options.Installed;

namespace Flanneld.Commands.Status;

/// <summary>Compares the settings that the running daemon was started with, which the kernel keeps, with those that its service would start
/// with now. Values are not shown.</summary>
internal static class RunningSettings
{
    /// <returns>The settings that the daemon reads only when it starts again, one line each; null if they are not known: the process is not
    /// the service's, this user may not read its environment, or a file of the service cannot be read.</returns>
    public static IReadOnlyList<string>? FindChanges(int processId, InstalledSettings now, HostFiles files)
    {
        var processes = new HostProcesses(files);
        if (now.Problems.Count > 0 || processes.ReadEnvironment(processId) is not { } assignments) return null;
        var environment = assignments.Select(assignment => assignment.Split('=', 2)).Where(parts => parts.Length == 2)
            .DistinctBy(parts => parts[0]).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
        if (!Reloader.IsService(environment) || processes.IsOfOtherService(processId, InstalledSettingsReader.Unit)) return null;
        var start = new StartSettings(processes.ReadArguments(processId), environment);
        return SettingChanges.Find(start, now) is { Ok: true, Value: var changes } ? changes.NeedRestart : null;
    }
}
