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

    private static bool IsFolder(string[] fields) => fields[0][0] == 'd';
}
