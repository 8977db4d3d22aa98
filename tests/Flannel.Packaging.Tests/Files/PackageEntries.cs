using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>The listed entries of a package, each split into fields: the mode, the owner and more.</summary>
internal static class PackageEntries
{
    /// <summary>Asserts that root owns every entry and that every folder has mode 0755; returns the entries that are not folders.</summary>
    public static IEnumerable<string[]> FilesOfRoot(IReadOnlyList<string[]> entries)
    {
        Assert.All(entries, fields => Assert.Equal("root/root", fields[1]));
        Assert.All(entries.Where(IsFolder), fields => Assert.Equal("drwxr-xr-x", fields[0]));
        return entries.Where(fields => !IsFolder(fields));
    }

    /// <summary>Pages for contributors, which the packages do not install.</summary>
    private static readonly string[] contributors =
    [
        "docs/ARCHITECTURE.md", "docs/adr/", "docs/failure-modes/tests.md", "docs/fuzzing.md", "docs/mutation.md", "docs/reference/linked.md",
        "docs/simulation.md", "docs/simulator.md",
    ];

    /// <summary>The pages for users, below the folder of the documentation.</summary>
    public static IReadOnlyList<string> Documents { get; } =
    [
        "README.md", "README.zh-CN.md", "SECURITY.md", "packaging/ram/controller-policy.json", "packaging/ram/trust-policy.json",
        "packaging/container/README.md", "packaging/container/daemonset.yaml", "packaging/container/daemonset-vxlan.yaml",
        "packaging/container/podmonitor.yaml", "packaging/kubernetes/flanneld.yaml", "packaging/kubernetes/upstream-rbac.yaml",
        .. Directory.GetFiles(Path.Combine(Locations.Repository(), "docs"), "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Locations.Repository(), path))
            .Where(page => !contributors.Any(other => page.StartsWith(other, StringComparison.Ordinal))),
    ];

    private static bool IsFolder(string[] fields) => fields[0][0] == 'd';
}
