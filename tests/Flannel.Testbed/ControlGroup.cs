namespace Flannel.Testbed;

/// <summary>A control group of our own, in each tree that systemd uses: two machines that share one would share their services' groups.
/// It goes with all below it.</summary>
internal sealed class ControlGroup : IAsyncDisposable
{
    private const string Mount = "/sys/fs/cgroup";

    private readonly string name;

    static ControlGroup()
    {
        foreach (var left in Trees().Where(Directory.Exists).SelectMany(Directory.GetDirectories).Where(path => Owner.IsOrphan(Path.GetFileName(path))))
        {
            // Empty: what was in it died with its owner. If it still dies, the next run takes it.
            TryRemove(left);
        }
    }

    public ControlGroup(string name)
    {
        this.name = name;
        foreach (var folder in Folders)
        {
            Directory.CreateDirectory(folder);
        }
    }

    /// <summary>A process that writes its id to each of these is in the group.</summary>
    public IEnumerable<string> Doors => Folders.Select(folder => Path.Combine(folder, "cgroup.procs"));

    /// <summary>All groups of this name that are there.</summary>
    public static IEnumerable<string> Named(string name) => Trees().Select(tree => Path.Combine(tree, name)).Where(Directory.Exists);

    private IEnumerable<string> Folders => Trees().Select(tree => Path.Combine(tree, name));

    /// <summary>Waits until the last process in it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var folder in Folders)
        {
            await Eventually.IsAsync($"{folder} is empty", () => Task.FromResult(TryRemove(folder)), CancellationToken.None);
        }
    }

    /// <summary>Where our own group is in each tree: the one of cgroup v2, or the two of the hybrid layout. The members of /proc/self/cgroup are
    /// <c>number:controllers:path</c>.</summary>
    private static IEnumerable<string> Trees()
    {
        var own = File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)).ToLookup(parts => parts[1], parts => parts[2].TrimStart('/'));
        (string Tree, string Controller)[] trees = File.Exists($"{Mount}/cgroup.controllers") ? [(Mount, "")] : [($"{Mount}/systemd", "name=systemd"), ($"{Mount}/unified", "")];
        return trees.Where(tree => Directory.Exists(tree.Tree)).Select(tree => Path.Combine(tree.Tree, own[tree.Controller].FirstOrDefault() ?? ""));
    }

    private static bool TryRemove(string folder)
    {
        try
        {
            // The files in it are the kernel's and go with it.
            foreach (var child in Directory.GetDirectories(folder))
            {
                if (!TryRemove(child))
                {
                    return false;
                }
            }
            return Posix.RemoveDirectory(folder);
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
    }
}
