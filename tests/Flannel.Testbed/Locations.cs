namespace Flannel.Testbed;

/// <summary>Where the programs of this repository lie once they are built.</summary>
public static class Locations
{
    /// <summary>The variable by which build.sh says which executable is under test.</summary>
    public const string ExecutableVariable = "FLANNEL_TEST_EXECUTABLE";

    /// <summary>The native flanneld.</summary>
    public static string Flanneld { get; } = Environment.GetEnvironmentVariable(ExecutableVariable) is { Length: > 0 } named ? named : Path.Combine(Repository(), "artifacts", "linux-x64", "flanneld");

    /// <summary>Another program of this solution, built in the same configuration as the running one.</summary>
    public static string Program(string project)
    {
        // artifacts/msbuild/bin/PROJECT/CONFIGURATION/
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        var program = Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, project);
        return File.Exists(program) ? program : throw new TestbedException($"not built: {program}; run ./build.sh build");
    }

    /// <summary>The folder that holds the solution.</summary>
    public static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "global.json")))
            {
                return folder.FullName;
            }
        }
        throw new TestbedException($"{AppContext.BaseDirectory} is not below the repository; set {ExecutableVariable}");
    }
}
