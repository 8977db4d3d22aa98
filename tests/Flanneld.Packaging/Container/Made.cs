using System.Diagnostics;
using Flannel.Testbed;

namespace Flanneld.Packaging.Container;

/// <summary>What <c>./build.sh package</c> has left for the image: the archive and the SBOMs.</summary>
internal static class Made
{
    private static string Folder { get; } = Path.Combine(Locations.Repository(), "artifacts", "packages");

    /// <summary>The one image archive.</summary>
    public static string Image => Only("*-oci.tar");

    /// <summary>Every SBOM, the images' and the executables'.</summary>
    public static IReadOnlyList<string> Sboms => All("*.cdx.json");

    /// <summary>The executable of an architecture, as OCI and Debian call it.</summary>
    public static string Executable(string architecture) => Path.Combine(Locations.Repository(), "artifacts", architecture switch { "amd64" => "linux-x64", "arm64" => "linux-arm64", _ => architecture }, "flanneld");

    private static string Only(string pattern) => All(pattern) is [var only] ? only : throw new UnreachableException($"more than one {pattern} in {Folder}");

    private static string[] All(string pattern)
    {
        var found = Directory.Exists(Folder) ? Directory.GetFiles(Folder, pattern) : [];
        Assert.SkipWhen(found.Length == 0, $"no {pattern} in {Folder}: ./build.sh package makes it");
        return found;
    }
}
