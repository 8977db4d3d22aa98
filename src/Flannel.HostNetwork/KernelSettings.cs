using Flannel.Core;

namespace Flannel.HostNetwork;

/// <summary>The settings of the kernel below <c>/proc/sys</c>, by the names of sysctl(8). Stateless; thread-safe.</summary>
/// <param name="root">Another folder in tests.</param>
public sealed class KernelSettings(string root = "/proc/sys")
{
    /// <summary>Null if the kernel has no such setting, such as one of a module that is not loaded, or if it cannot be read.</summary>
    /// <param name="name">Such as <c>net.ipv4.ip_forward</c>. The dots of an interface's name are written as <c>/</c>, as sysctl(8)
    /// does.</param>
    public string? Read(string name) => KernelFile.Read(PathOf(name))?.Trim();

    /// <summary>Fails with the reason. Settings below <c>net</c> need CAP_NET_ADMIN (<c>net_ctl_permissions</c> of the kernel).</summary>
    public Result<Unit> Write(string name, string value)
    {
        var path = PathOf(name);
        try
        {
            File.WriteAllText(path, value + "\n");
            return Unit.Instance;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Result.Failure(
                e is UnauthorizedAccessException ? "it needs CAP_NET_ADMIN and a writable /proc/sys" : FileError.Reason(path, e));
        }
    }

    /// <summary>An interface in the name of a setting: a dot, as in <c>eth0.5</c>, is written as a slash.</summary>
    public static string NameOfInterface(string name) => name.Replace('.', '/');

    private string PathOf(string name)
    {
        // Dots separate folders. A slash in a name is a dot in the name of an interface, such as eth0.5.
        var parts = name.Split('.').Select(part => part.Replace('/', '.'));
        return Path.Combine([root, .. parts]);
    }
}
