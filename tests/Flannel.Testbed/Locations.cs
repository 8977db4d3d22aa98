namespace Flannel.Testbed;

/// <summary>The paths of the built programs of this repository.</summary>
public static class Locations
{
    /// <summary>The variable in which build.sh passes the path of the executable under test.</summary>
    public const string ExecutableVariable = "FLANNEL_TEST_EXECUTABLE";

    /// <summary>The native flanneld.</summary>
    public static string Flanneld { get; } = Environment.GetEnvironmentVariable(ExecutableVariable) is { Length: > 0 } path
        ? path
        : Path.Combine(Repository(), "artifacts", "linux-x64", "flanneld");

    /// <summary>Another program of this solution, of the same configuration as the running one.</summary>
    public static string Program(string project)
    {
        // artifacts/msbuild/bin/PROJECT/CONFIGURATION/
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        var program = Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, project);
        return File.Exists(program) ? program : throw new TestbedException($"not built: {program}; run ./build.sh build");
    }

    /// <summary>The folder of the solution.</summary>
    public static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "global.json")))
            {
                return folder.FullName;
            }
        }
        throw new TestbedException($"{AppContext.BaseDirectory} is not inside the repository; set {ExecutableVariable}");
    }
}
