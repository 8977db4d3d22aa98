using System.Runtime.InteropServices;
using Flannel.Testbed;

namespace Flanneld.Packaging;

/// <summary>What ./build.sh package has made, for this machine's architecture.</summary>
internal static class Packages
{
    /// <summary>A version that sorts before every other.</summary>
    public const string OlderVersion = "0.0.9";

    private static readonly string s_folder = Path.Combine(Locations.Repository(), "artifacts", "packages");

    private static string Architecture => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    private static string RpmArchitecture => Architecture == "arm64" ? "aarch64" : "x86_64";

    /// <summary>The deb; the test is skipped when there is none.</summary>
    public static string Deb() => Find(s_folder, $"flanneld_*_{Architecture}.deb");

    /// <summary>The rpm; the test is skipped when there is none.</summary>
    public static string Rpm() => Find(s_folder, $"flanneld-*.{RpmArchitecture}.rpm");

    /// <summary>The deb as its previous version: the same files, but for the settings, which had another text then.</summary>
    public static async Task<string> OlderDebAsync(string deb, string folder, CancellationToken cancel)
    {
        var tree = Path.Combine(folder, "older");
        await Command.RunAsync(new ProgramStart("/usr/bin/dpkg-deb", ["--raw-extract", deb, tree]), cancel);
        var control = Path.Combine(tree, "DEBIAN", "control");
        var lines = await File.ReadAllLinesAsync(control, cancel);
        await File.WriteAllLinesAsync(control, lines.Select(line => line.StartsWith("Version: ", StringComparison.Ordinal) ? $"Version: {OlderVersion}" : line), cancel);
        await File.AppendAllTextAsync(Path.Combine(tree, "etc", "default", "flanneld"), "# As the previous version had it.\n", cancel);
        var older = Path.Combine(folder, "flanneld-older.deb");
        await Command.RunAsync(new ProgramStart("/usr/bin/dpkg-deb", ["-Zgzip", "-z1", "--build", tree, older]), cancel);
        Directory.Delete(tree, recursive: true);
        return older;
    }

    /// <summary>Makes the rpm of the previous version, of the same executable, beside those that are to be shipped.</summary>
    public static async Task OlderRpmAsync(RunFolder folder, string target, CancellationToken cancel)
    {
        var artifacts = Directory.CreateDirectory(Path.Combine(folder.Path, "artifacts")).FullName;
        var runtime = $"linux-{(Architecture == "arm64" ? "arm64" : "x64")}";
        Directory.CreateSymbolicLink(Path.Combine(artifacts, runtime), Path.Combine(Locations.Repository(), "artifacts", runtime));
        await Command.RunAsync(new ProgramStart("/usr/bin/env",
            [$"FLANNEL_ARTIFACTS={artifacts}", $"VERSION={OlderVersion}", Path.Combine(Locations.Repository(), "rpm", "build.sh"), Architecture]), cancel, limit: TimeSpan.FromMinutes(5));
        File.Move(Find(Path.Combine(artifacts, "packages"), $"flanneld-{OlderVersion}*.rpm"), target);
    }

    private static string Find(string folder, string pattern)
    {
        var found = Directory.Exists(folder) ? Directory.GetFiles(folder, pattern).Where(path => !Path.GetFileName(path).StartsWith("flanneld-debuginfo", StringComparison.Ordinal)).ToArray() : [];
        if (found.Length == 0)
        {
            Assert.Skip($"no {pattern} in {folder}: ./build.sh package {Architecture} makes it");
        }
        return found.Length == 1 ? found[0] : throw new TestbedException($"more than one {pattern}: {string.Join(", ", found)}");
    }
}
