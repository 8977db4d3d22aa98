using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>A copy of the packaging sources in another folder, so that the repository is not written. Uses the compiled
/// executable.</summary>
internal sealed class SourceCopy
{
    private static readonly string[] parts =
        ["eng", "deb", "rpm", "packaging", "docs", "README.md", "README.zh-CN.md", "SECURITY.md", "Directory.Build.props"];

    private readonly NamedValue[] environment;

    private SourceCopy(string folder, NamedValue[] environment) => (Folder, this.environment) = (folder, environment);

    public string Folder { get; }

    public string PackagesFolder => Path.Combine(Folder, "artifacts", "packages");

    /// <param name="version">The version of the packages that it builds.</param>
    public static async Task<SourceCopy> MakeAsync(string folder, string version)
    {
        Directory.CreateDirectory(Path.Combine(folder, "artifacts", "packages"));
        await Run.OutputAsync("cp", ["-a", .. parts.Select(part => Path.Combine(Locations.Repository(), part)), folder]);
        var executables = Path.GetDirectoryName(Packages.Executable)!;
        Directory.CreateSymbolicLink(Path.Combine(folder, "artifacts", Path.GetFileName(executables)), executables);
        // The build time of the packages, so that equal sources give equal packages.
        var time = await Run.OutputAsync("rpm", "--query", "--package", "--nosignature", "--queryformat", "%{BUILDTIME}", Packages.Rpm);
        return new SourceCopy(folder, [new("SOURCE_DATE_EPOCH", time), new("VERSION", version)]);
    }

    /// <summary>Runs a script; fails if its exit code is not 0.</summary>
    public async Task<string> RunAsync(string script, IEnumerable<string> arguments, params NamedValue[] more)
    {
        var result = await Run.LongAsync(Run.Start(Path.Combine(Folder, script), arguments, [.. environment, .. more]));
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        return result.Output;
    }
}
