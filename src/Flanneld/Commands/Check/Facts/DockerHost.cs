using System.Globalization;
using Flannel.Core;
using Flannel.HostNetwork;
using Flanneld.Host;
using Flanneld.Host.Interfaces;

namespace Flanneld.Commands.Check.Facts;

/// <summary>What is known about Docker on this host.</summary>
/// <param name="Settings">Fails with the rest of a line that begins with the file's name.</param>
/// <param name="Process">Null if no dockerd is seen.</param>
/// <param name="Environment">Of that process; null if this user may not read it.</param>
/// <param name="Bridge">docker0; null without it.</param>
internal sealed record DockerHost(
    Result<DockerSettings> Settings, DockerUnit Unit, HostProcess? Process, IReadOnlyList<string>? Environment, HostInterface? Bridge)
{
    /// <summary>The first release that drops packets to unpublished ports from outside
    /// (https://docs.docker.com/engine/release-notes/28/).</summary>
    private const int DirectAccessRelease = 28;

    /// <summary>Such as <c>28.5.2</c>; null if it does not run; fails with one line if it does not say its version.</summary>
    public Result<string>? Version { get; init; }

    /// <summary>Whether this Docker drops direct access to container addresses; null if its version is not known.</summary>
    public bool? DropsDirectAccess => Version is { Ok: true, Value: var version }
        && int.TryParse(version.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var release)
            ? release >= DirectAccessRelease
            : null;

    /// <summary>Whether Docker makes no rules in the table raw; null if that is not known.</summary>
    public bool? IsDirectAccessAllowed
    {
        get
        {
            if (Settings is { Ok: true, Value.AllowsDirectRouting: true }) return true;
            if (Process?.Arguments.Any(IsAllowingFlag) == true) return true;
            return Environment is null ? (Unit.DisablesRawRules ? true : null) : Environment.Contains(DockerUnit.RawVariable);
        }
    }

    /// <summary>Reads it.</summary>
    /// <returns>Null if Docker is neither installed nor running.</returns>
    /// <param name="interfaces">Those of this host.</param>
    public static async Task<DockerHost?> ReadAsync(
        HostFiles files, ProgramFolders folders, IReadOnlyList<HostInterface> interfaces, CancellationToken cancellation)
    {
        var processes = new HostProcesses(files);
        var process = processes.Find("dockerd") is [var first, ..] ? first : null;
        var settings = files.ReadSettings(DockerSettings.Path);
        var bridge = interfaces.FirstOrDefault(each => each.Name == ContainerBridge.Docker);
        var isInstalled = folders.Folders.Any(folder => files.Exists($"{folder}/dockerd"));
        if (process is null && settings is null && bridge is null && !isInstalled) return null;
        var parsed = settings switch
        {
            null => DockerSettings.None,
            { Ok: true } text => DockerSettings.Parse(text.Value),
            var failed => Result.Failure(failed.Error),
        };
        var environment = process is null ? null : processes.ReadEnvironment(process.Id);
        var isListening = files.Exists(DockerSocket.Path) && process is not null;
        return new DockerHost(parsed, DockerUnit.Read(files), process, environment, bridge)
        {
            Version = isListening ? await DockerSocket.ReadVersionAsync(files.PathOf(DockerSocket.Path), cancellation) : null,
        };
    }

    private static bool IsAllowingFlag(string argument) => argument.TrimStart('-') is "allow-direct-routing" or "allow-direct-routing=true";
}
