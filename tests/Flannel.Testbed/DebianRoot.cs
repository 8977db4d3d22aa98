namespace Flannel.Testbed;

/// <summary>A kind of root file system, as eng/debian_root.sh describes it.</summary>
public enum DebianRootKind
{
    Plain,
    Cloud,
    Pages,
}

/// <summary>The root file system below the overlays of machines; eng/debian_root.sh creates it.</summary>
public static class DebianRoot
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(10);

    private static readonly Dictionary<DebianRootKind, Lazy<Task<CommandResult>>> creations =
        Enum.GetValues<DebianRootKind>().ToDictionary(kind => kind, kind => new Lazy<Task<CommandResult>>(() => CreateAsync(kind)));

    /// <summary>The folder of the root. Creating a missing one takes half a minute, and a minute with more packages.</summary>
    /// <exception cref="TestbedException">The root cannot be created.</exception>
    public static async Task<string> FolderAsync(DebianRootKind kind = DebianRootKind.Plain)
    {
        // The script runs once for each kind, and prints the folder.
        var result = await creations[kind].Value;
        return result.ExitCode == 0 ? result.Output.Trim() : throw new TestbedException(ReasonOf(result));
    }

    /// <summary>Why machines cannot run on this host; null if they can.</summary>
    public static async Task<string?> UnavailableAsync(CancellationToken cancel, DebianRootKind kind = DebianRootKind.Plain)
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
        var result = await creations[kind].Value;
        return result.ExitCode == 0 ? null : ReasonOf(result);
    }

    private static Task<CommandResult> CreateAsync(DebianRootKind kind)
    {
        var script = new ProgramStart(
            Path.Combine(Locations.Repository(), "eng", "debian_root.sh"), [kind.ToString().ToLowerInvariant()]);
        return ProcessCommand.TryRunAsync(script, CancellationToken.None, limit: limit);
    }

    private static string ReasonOf(CommandResult failed) => $"cannot create a Debian root: {failed.Error.ReplaceLineEndings(" ").Trim()}";
}
