using System.Runtime.InteropServices;
using Flannel.Testbed;

namespace Flanneld.Packaging.Files;

/// <summary>The debs and rpms that ./build.sh package has left for this machine's architecture; a test is skipped where there are none.</summary>
internal static class PackageFiles
{
    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static string DebArchitecture => s_isArm ? "arm64" : "amd64";

    public static string RpmArchitecture => s_isArm ? "aarch64" : "x86_64";

    public static string Folder => Path.Combine(Locations.Repository(), "artifacts", "packages");

    public static string Executable => Path.Combine(Locations.Repository(), "artifacts", s_isArm ? "linux-arm64" : "linux-x64", "flanneld");

    public static string Deb => Only($"flanneld_*_{DebArchitecture}.deb");

    public static string DebSymbols => Only($"flanneld-dbgsym_*_{DebArchitecture}.deb");

    public static string Rpm => Only($"flanneld-[0-9]*.{RpmArchitecture}.rpm");

    public static string RpmSymbols => Only($"flanneld-debuginfo-*.{RpmArchitecture}.rpm");

    private static string Only(string pattern)
    {
        // GetFiles knows no classes of characters.
        var found = Directory.Exists(Folder) ? Directory.GetFiles(Folder, pattern.Replace("[0-9]", "", StringComparison.Ordinal))
            .Where(path => !pattern.Contains('[', StringComparison.Ordinal) || char.IsAsciiDigit(Path.GetFileName(path)["flanneld-".Length])).ToArray() : [];
        Assert.SkipWhen(found.Length == 0, $"no {pattern} in {Folder}: ./build.sh package makes it");
        return Assert.Single(found);
    }
}
