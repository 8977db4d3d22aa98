using System.Runtime.InteropServices;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests;

/// <summary>The packages that ./build.sh package wrote to artifacts/packages; a test is skipped without them.</summary>
internal static class Packages
{
    /// <summary>A version that sorts before all others.</summary>
    public const string OlderVersion = "0.0.9";

    /// <summary>For rpm/build.sh: compressing the symbols would take half a minute.</summary>
    public static readonly NamedValue FastRpm = new("RPM_PAYLOAD", "w1.gzdio");

    private static readonly bool isArm = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64;

    public static string Folder { get; } = Path.Combine(Locations.Repository(), "artifacts", "packages");

    /// <summary>The architecture of this machine, as Debian and OCI name it.</summary>
    public static string Architecture => isArm ? "arm64" : "amd64";

    /// <summary>The architecture of this machine, as rpm names it.</summary>
    public static string RpmArchitecture => isArm ? "aarch64" : "x86_64";

    public static string Executable => ExecutableOf(Architecture);

    public static string Deb => Only($"flanneld_*_{Architecture}.deb");

    public static string DebSymbols => Only($"flanneld-dbgsym_*_{Architecture}.deb");

    public static string Rpm => Only($"flanneld-*.{RpmArchitecture}.rpm", "flanneld-debuginfo-");

    public static string RpmSymbols => Only($"flanneld-debuginfo-*.{RpmArchitecture}.rpm");

    /// <summary>The image archive.</summary>
    public static string Image => All("*-oci.tar").Except(All("*-tools-oci.tar")).ToArray() is [var only]
        ? only
        : throw new TestbedException($"more than one image in {Folder}");

    /// <summary>The archive of the image with nft, iptables and ip.</summary>
    public static string ToolsImage => Only("*-tools-oci.tar");

    /// <summary>All SBOMs, of images and executables.</summary>
    public static IReadOnlyList<string> Sboms => All("*.cdx.json");

    public static string ExecutableOf(string architecture) =>
        Path.Combine(Locations.Repository(), "artifacts", architecture == "arm64" ? "linux-arm64" : "linux-x64", "flanneld");

    /// <summary>Builds an older version of the deb: the same files with other default settings.</summary>
    public static async Task<string> OlderDebAsync(string deb, string folder, CancellationToken cancel)
    {
        var tree = Path.Combine(folder, "older");
        await ProcessCommand.RunAsync(new ProgramStart("/usr/bin/dpkg-deb", ["--raw-extract", deb, tree]), cancel);
        var control = Path.Combine(tree, "DEBIAN", "control");
        var lines = await File.ReadAllLinesAsync(control, cancel);
        await File.WriteAllLinesAsync(control,
            lines.Select(line => line.StartsWith("Version: ", StringComparison.Ordinal) ? $"Version: {OlderVersion}" : line), cancel);
        await File.AppendAllTextAsync(Path.Combine(tree, "etc", "default", "flanneld"), "# Text of the previous version.\n", cancel);
        var older = Path.Combine(folder, "flanneld-older.deb");
        await ProcessCommand.RunAsync(new ProgramStart("/usr/bin/dpkg-deb", ["-Zgzip", "-z1", "--build", tree, older]), cancel);
        Directory.Delete(tree, recursive: true);
        return older;
    }

    /// <summary>Builds an older version of the rpm with the same executable.</summary>
    public static async Task OlderRpmAsync(RunFolder folder, string target, CancellationToken cancel)
    {
        var artifacts = Directory.CreateDirectory(Path.Combine(folder.Path, "artifacts")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(artifacts, Path.GetFileName(Path.GetDirectoryName(Executable)!)),
            Path.GetDirectoryName(Executable)!);
        await ProcessCommand.RunAsync(new ProgramStart("/usr/bin/env",
            [$"FLANNEL_ARTIFACTS={artifacts}", $"VERSION={OlderVersion}", $"{FastRpm.Name}={FastRpm.Value}",
                Path.Combine(Locations.Repository(), "rpm", "build.sh"), Architecture]), cancel, limit: TimeSpan.FromMinutes(5));
        File.Move(Directory.GetFiles(Path.Combine(artifacts, "packages"), $"flanneld-{OlderVersion}*.rpm").Single(), target);
    }

    private static string Only(string pattern, string? excludedPrefix = null) =>
        All(pattern)
            .Where(path => excludedPrefix is null || !Path.GetFileName(path).StartsWith(excludedPrefix, StringComparison.Ordinal))
            .ToArray() is [var only]
            ? only
            : throw new TestbedException($"more than one {pattern} in {Folder}");

    private static string[] All(string pattern)
    {
        var found = Directory.Exists(Folder) ? Directory.GetFiles(Folder, pattern) : [];
        Assert.SkipWhen(found.Length == 0, $"no {pattern} in {Folder}: ./build.sh package makes it");
        return found;
    }
}
