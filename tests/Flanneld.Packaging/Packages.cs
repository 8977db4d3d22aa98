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

    /// <summary>The deb; the test is skipped when there is none.</summary>
    public static string Deb()
    {
        var found = Directory.Exists(s_folder) ? Directory.GetFiles(s_folder, $"flanneld_*_{Architecture}.deb") : [];
        if (found.Length == 0)
        {
            Assert.Skip($"no deb for {Architecture} in {s_folder}: ./build.sh package {Architecture} makes it");
        }
        return found.Length == 1 ? found[0] : throw new TestbedException($"more than one deb: {string.Join(", ", found)}");
    }

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
}
