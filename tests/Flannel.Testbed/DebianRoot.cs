namespace Flannel.Testbed;

/// <summary>The root file system that machines are made of; see eng/debian_root.sh.</summary>
public static class DebianRoot
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(10);

    private static readonly Lazy<Task<(string? Folder, string? Reason)>> made = new(() => MakeAsync([]));

    private static readonly Lazy<Task<(string? Folder, string? Reason)>> madeWithCloudInit = new(() => MakeAsync(["cloud"]));

    /// <summary>Its folder. It is made when it is not there yet, which takes half a minute, with cloud-init a minute.</summary>
    /// <exception cref="TestbedException">It cannot be made.</exception>
    public static async Task<string> FolderAsync(bool withCloudInit = false)
    {
        var (folder, reason) = await (withCloudInit ? madeWithCloudInit : made).Value;
        return folder ?? throw new TestbedException(reason!);
    }

    /// <summary>Null when machines can be had here, else why not.</summary>
    public static async Task<string?> UnavailableAsync(CancellationToken cancel, bool withCloudInit = false)
    {
        foreach (var (program, package) in new[] { ("/usr/bin/systemd-nspawn", "systemd-container"), ("/usr/bin/mmdebstrap", "mmdebstrap") })
        {
            if (!File.Exists(program))
            {
                return $"no {program} on this machine (package {package})";
            }
        }
        return await NetworkNamespace.UnavailableAsync(cancel) ?? (await (withCloudInit ? madeWithCloudInit : made).Value).Reason;
    }

    private static async Task<(string? Folder, string? Reason)> MakeAsync(IReadOnlyList<string> arguments)
    {
        var made = await ProcessCommand.TryRunAsync(new ProgramStart(Path.Combine(Locations.Repository(), "eng", "debian_root.sh"), arguments), CancellationToken.None, limit: limit);
        return made.ExitCode == 0 ? (made.Output.Trim(), null) : (null, $"no Debian to boot: {made.Error.ReplaceLineEndings(" ").Trim()}");
    }
}
