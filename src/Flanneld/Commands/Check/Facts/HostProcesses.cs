using System.Globalization;
using Flanneld.Host;

namespace Flanneld.Commands.Check.Facts;

/// <summary>A process of this host.</summary>
/// <param name="Arguments">The words of its command line; the first is the program.</param>
internal sealed record HostProcess(int Id, IReadOnlyList<string> Arguments);

/// <summary>The processes that this user may see below <c>/proc</c>.</summary>
internal sealed class HostProcesses(HostFiles files)
{
    /// <summary>Those of a program that use the network of this process; those in network namespaces of containers are not
    /// listed.</summary>
    /// <param name="name">The name of the program, at most 15 characters.</param>
    public IReadOnlyList<HostProcess> Find(string name) =>
    [
        .. files.List("/proc").Select(entry => int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && files.Read($"/proc/{id}/comm")?.Trim() == name && IsInThisNetwork(id)).Order()
            .Select(id => new HostProcess(id, Words(files.Read($"/proc/{id}/cmdline")))),
    ];

    /// <summary>The environment of a process; null if this user may not read it.</summary>
    public IReadOnlyList<string>? ReadEnvironment(int id) =>
        files.Read($"/proc/{id}/environ") is { } text ? Words(text) : null;

    /// <summary>The words of a process's command line after the program; empty if this user may not read it.</summary>
    public IReadOnlyList<string> ReadArguments(int id)
    {
        // An empty word is a value of a flag.
        var words = (files.Read($"/proc/{id}/cmdline") ?? "").Split('\0');
        return [.. words.SkipLast(1).Skip(1)];
    }

    /// <summary>Whether systemd has started it for another service than this unit; false also if this is not known.</summary>
    public bool IsOfOtherService(int id, string unit)
    {
        // 0::/system.slice/flanneld.service; with cgroup v1 one line for each controller.
        var services = (files.Read($"/proc/{id}/cgroup") ?? "").Split('/', '\n').Where(IsService).ToList();
        return services.Count > 0 && !services.Contains(unit);

        static bool IsService(string name) => name.EndsWith(".service", StringComparison.Ordinal);
    }

    /// <summary>Whether it runs the executable of this process; false also if this user may not know.</summary>
    public bool IsThisProgram(int id)
    {
        try
        {
            return File.ResolveLinkTarget(files.PathOf($"/proc/{id}/exe"), returnFinalTarget: false)?.FullName == Environment.ProcessPath;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Only root may read the identity of another user's network namespace; its addresses may be read by all.</summary>
    private bool IsInThisNetwork(int id)
    {
        var (other, own) = (files.Read($"/proc/{id}/net/fib_trie"), files.Read("/proc/self/net/fib_trie"));
        return other is null || own is null || other == own;
    }

    private static string[] Words(string? text) => (text ?? "").Split('\0', StringSplitOptions.RemoveEmptyEntries);
}
