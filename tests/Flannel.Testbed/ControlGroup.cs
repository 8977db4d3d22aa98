namespace Flannel.Testbed;

/// <summary>A control group for one machine, in each hierarchy that systemd uses: two machines in one group would share the groups of their
/// services. Disposing removes it with its children.</summary>
internal sealed class ControlGroup : IAsyncDisposable
{
    private const string Mount = "/sys/fs/cgroup";

    private readonly string name;

    static ControlGroup()
    {
        foreach (var orphan in Hierarchies().Where(Directory.Exists).SelectMany(Directory.GetDirectories)
            .Where(path => ResourceName.IsOrphan(Path.GetFileName(path))))
        {
            // Its processes ended with the owner. If some still exit, the next run removes the group.
            TryRemove(orphan);
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

    /// <summary>A process joins the group by writing its id to each of these files.</summary>
    public IEnumerable<string> ProcessFiles => Folders.Select(folder => Path.Combine(folder, "cgroup.procs"));

    /// <summary>All existing groups of this name.</summary>
    public static IEnumerable<string> Named(string name) =>
        Hierarchies().Select(hierarchy => Path.Combine(hierarchy, name)).Where(Directory.Exists);

    private IEnumerable<string> Folders => Hierarchies().Select(hierarchy => Path.Combine(hierarchy, name));

    /// <summary>Waits until the last process of the group has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var folder in Folders)
        {
            await Eventually.IsAsync($"{folder} is empty", () => Task.FromResult(TryRemove(folder)), CancellationToken.None);
        }
    }

    /// <summary>The group of this process in each hierarchy: the one of cgroup v2, or the two of the hybrid layout. The lines of
    /// /proc/self/cgroup are <c>number:controllers:path</c>.</summary>
    private static IEnumerable<string> Hierarchies()
    {
        var own = File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3))
            .ToLookup(parts => parts[1], parts => parts[2].TrimStart('/'));
        (string Folder, string Controller)[] hierarchies = File.Exists($"{Mount}/cgroup.controllers")
            ? [(Mount, "")]
            : [($"{Mount}/systemd", "name=systemd"), ($"{Mount}/unified", "")];
        return hierarchies.Where(hierarchy => Directory.Exists(hierarchy.Folder))
            .Select(hierarchy => Path.Combine(hierarchy.Folder, own[hierarchy.Controller].FirstOrDefault() ?? ""));
    }

    private static bool TryRemove(string folder)
    {
        try
        {
            // The kernel removes the files of the folder with it.
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
