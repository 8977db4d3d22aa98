namespace Flannel.Testbed;

/// <summary>A folder for the files of one test bed, readable by all so that an unprivileged daemon can live in it; gone at the end.</summary>
public sealed class RunFolder : IDisposable
{
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static readonly HashSet<string> living = [];

    static RunFolder()
    {
        foreach (var left in Directory.GetDirectories(System.IO.Path.GetTempPath()).Where(path => Owner.IsOrphan(System.IO.Path.GetFileName(path))))
        {
            Remove(left);
        }
        AppDomain.CurrentDomain.ProcessExit += (_, _) => RemoveAll();
    }

    /// <summary>Makes the folder.</summary>
    public RunFolder(string what)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), Owner.NewName(what));
        Directory.CreateDirectory(Path, ForAll);
        lock (living)
        {
            living.Add(Path);
        }
    }

    public string Path { get; }

    /// <summary>A folder in it that any user may write to, as /run/flannel belongs to the daemon's user.</summary>
    public string WritableByAll(string name)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, ForAll | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        return path;
    }

    /// <summary>A copy of a program that any user may run, wherever the original stands (a clone below /root is closed to others).</summary>
    public string CopyOfProgram(string program)
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
        lock (living)
        {
            living.Remove(Path);
        }
        Remove(Path);
    }

    private static void RemoveAll()
    {
        lock (living)
        {
            foreach (var path in living)
            {
                Remove(path);
            }
            living.Clear();
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
            // A process that is about to die may still write into it; the next run's sweep takes what is left.
        }
    }
}
