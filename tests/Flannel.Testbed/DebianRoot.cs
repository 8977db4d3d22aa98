namespace Flannel.Testbed;

/// <summary>The root file system below the overlays of machines; eng/debian_root.sh creates it.</summary>
public static class DebianRoot
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(10);

    private static readonly Lazy<Task<CommandResult>> creation = new(() => CreateAsync([]));

    private static readonly Lazy<Task<CommandResult>> creationWithCloudInit = new(() => CreateAsync(["cloud"]));

    /// <summary>The folder of the root. Creating a missing one takes half a minute, and a minute with cloud-init.</summary>
    /// <exception cref="TestbedException">The root cannot be created.</exception>
    public static async Task<string> FolderAsync(bool withCloudInit = false)
    {
        var result = await CreationAsync(withCloudInit);
        return result.ExitCode == 0 ? result.Output.Trim() : throw new TestbedException(ReasonOf(result));
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
        if (await NetworkNamespace.UnavailableAsync(cancel) is { } reason)
        {
            return reason;
        }
        var result = await CreationAsync(withCloudInit);
        return result.ExitCode == 0 ? null : ReasonOf(result);
    }

    /// <summary>The result of the script, which runs once; it prints the folder.</summary>
    private static Task<CommandResult> CreationAsync(bool withCloudInit) => (withCloudInit ? creationWithCloudInit : creation).Value;

    private static Task<CommandResult> CreateAsync(IReadOnlyList<string> arguments)
    {
        var script = new ProgramStart(Path.Combine(Locations.Repository(), "eng", "debian_root.sh"), arguments);
        return ProcessCommand.TryRunAsync(script, CancellationToken.None, limit: limit);
    }

    private static string ReasonOf(CommandResult failed) => $"cannot create a Debian root: {failed.Error.ReplaceLineEndings(" ").Trim()}";
}
