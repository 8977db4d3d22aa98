namespace Flannel.Testbed;

/// <summary>A temporary folder for the files of one test, readable by all users for the sake of unprivileged daemons. Disposing deletes
/// it.</summary>
public sealed class RunFolder : IDisposable
{
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static readonly HashSet<string> active = [];

    static RunFolder()
    {
        foreach (var orphan in Directory.GetDirectories(System.IO.Path.GetTempPath())
            .Where(path => ResourceName.IsOrphan(System.IO.Path.GetFileName(path))))
        {
            Remove(orphan);
        }
        AppDomain.CurrentDomain.ProcessExit += (_, _) => RemoveAll();
    }

    /// <summary>Creates the folder.</summary>
    /// <param name="what">The end of its name.</param>
    public RunFolder(string what)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), ResourceName.Create(what));
        Directory.CreateDirectory(Path, ForAll);
        lock (active)
        {
            active.Add(Path);
        }
    }

    public string Path { get; }

    /// <summary>Creates a subfolder that any user may write to, in place of /run/flannel.</summary>
    public string CreateWritableSubfolder(string name) => CreateWritableFolder(System.IO.Path.Combine(Path, name));

    /// <summary>Creates a folder that any user may write to, and returns its path.</summary>
    public static string CreateWritableFolder(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, ForAll | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        return path;
    }

    /// <summary>Copies a program so that any user may run it; a repository below /root is not accessible to others.</summary>
    public string CopyProgram(string program)
    {
        var copy = System.IO.Path.Combine(Path, System.IO.Path.GetFileName(program));
        if (!File.Exists(copy))
        {
            File.Copy(program, copy);
            File.SetUnixFileMode(copy, ForAll);
        }
        return copy;
    }

    public void Dispose()
    {
        lock (active)
        {
            active.Remove(Path);
        }
        Remove(Path);
    }

    private static void RemoveAll()
    {
        lock (active)
        {
            foreach (var path in active)
            {
                Remove(path);
            }
            active.Clear();
        }
    }

    private static void Remove(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process that still exits may write into the folder; the next run removes it.
        }
    }
}
