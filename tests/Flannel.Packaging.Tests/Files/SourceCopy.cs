using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>What makes packages, in another folder: nothing that it writes is written into the repository. The executable is the one that was compiled.</summary>
internal sealed class SourceCopy
{
    private static readonly string[] parts = ["eng", "deb", "rpm", "packaging", "Directory.Build.props"];

    private readonly (string Name, string Value)[] environment;

    private SourceCopy(string folder, (string Name, string Value)[] environment) => (Folder, this.environment) = (folder, environment);

    public string Folder { get; }

    public string PackagesFolder => Path.Combine(Folder, "artifacts", "packages");

    /// <param name="version">Of the packages that it makes.</param>
    public static async Task<SourceCopy> MakeAsync(string folder, string version)
    {
        Directory.CreateDirectory(Path.Combine(folder, "artifacts", "packages"));
        await Run.OutputAsync("cp", ["-a", .. parts.Select(part => Path.Combine(Locations.Repository(), part)), folder]);
        var executables = Path.GetDirectoryName(Packages.Executable)!;
        Directory.CreateSymbolicLink(Path.Combine(folder, "artifacts", Path.GetFileName(executables)), executables);
        // The time that the packages carry, so that the same sources make the same ones.
        var time = await Run.OutputAsync("rpm", "--query", "--package", "--nosignature", "--queryformat", "%{BUILDTIME}", Packages.Rpm);
        return new SourceCopy(folder, [("SOURCE_DATE_EPOCH", time), ("VERSION", version)]);
    }

    /// <summary>Runs one of its scripts; it must succeed.</summary>
    public async Task<string> RunAsync(string script, IEnumerable<string> arguments, params (string Name, string Value)[] more)
    {
        var result = await Run.LongAsync(Run.Start(Path.Combine(Folder, script), arguments, [.. environment, .. more]));
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        return result.Output;
    }
}
