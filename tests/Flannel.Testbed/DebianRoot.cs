namespace Flannel.Testbed;

/// <summary>The root file system below the overlays of machines; eng/debian_root.sh creates it.</summary>
public static class DebianRoot
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(10);

    private static readonly Lazy<Task<(string? Folder, string? Reason)>> created = new(() => CreateAsync([]));

    private static readonly Lazy<Task<(string? Folder, string? Reason)>> createdWithCloudInit = new(() => CreateAsync(["cloud"]));

    /// <summary>The folder of the root. Creating a missing one takes half a minute, and a minute with cloud-init.</summary>
    /// <exception cref="TestbedException">The root cannot be created.</exception>
    public static async Task<string> FolderAsync(bool withCloudInit = false)
    {
        var (folder, reason) = await (withCloudInit ? createdWithCloudInit : created).Value;
        return folder ?? throw new TestbedException(reason!);
    }

    /// <summary>Why machines cannot run on this host; null if they can.</summary>
    public static async Task<string?> UnavailableAsync(CancellationToken cancel, bool withCloudInit = false)
    {
        foreach (var (program, package)
            in new[] { ("/usr/bin/systemd-nspawn", "systemd-container"), ("/usr/bin/mmdebstrap", "mmdebstrap") })
        {
            if (!File.Exists(program))
            {
                return $"no {program} on this machine (package {package})";
            }
        }
        return await NetworkNamespace.UnavailableAsync(cancel)
            ?? (await (withCloudInit ? createdWithCloudInit : created).Value).Reason;
    }

    private static async Task<(string? Folder, string? Reason)> CreateAsync(IReadOnlyList<string> arguments)
    {
        var script = new ProgramStart(Path.Combine(Locations.Repository(), "eng", "debian_root.sh"), arguments);
        var result = await ProcessCommand.TryRunAsync(script, CancellationToken.None, limit: limit);
        return result.ExitCode == 0
            ? (result.Output.Trim(), null)
            : (null, $"cannot create a Debian root: {result.Error.ReplaceLineEndings(" ").Trim()}");
    }
}
