using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>A folder with the inputs of the packaging scripts and without Git, in which the scripts run.</summary>
internal sealed class ScratchBuild : IDisposable
{
    public const string Version = "1.2.3~dev4.gabcdef12";

    /// <summary>The version as an image tag.</summary>
    public const string Tag = "1.2.3-dev4.gabcdef12";

    /// <summary>2026-01-02T03:04:05Z.</summary>
    private const string Epoch = "1767323045";

    private readonly RunFolder folder;

    /// <param name="where">A subfolder, so that two builds can have paths of different depth.</param>
    public ScratchBuild(string where)
    {
        folder = new RunFolder("scratch");
        Root = Path.Combine(folder.Path, where);
        var repository = Locations.Repository();
        foreach (var file in new[] { "eng/lib.sh", "Directory.Build.props" }.Concat(
            Directory.GetFiles(Path.Combine(repository, "packaging"), "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(repository, file))))
        {
            Copy(Path.Combine(repository, file), file);
        }
    }

    public string Root { get; }

    public string PackagesFolder => Path.Combine(Root, "artifacts", "packages");

    public string Image => Path.Combine(PackagesFolder, $"flanneld-{Version}-oci.tar");

    /// <summary>Copies the amd64 executable to the path of an architecture. For arm64 it is a placeholder, sufficient to build an index of
    /// two images.</summary>
    public ScratchBuild WithExecutable(string architecture)
    {
        foreach (var name in new[] { "flanneld", "flanneld.linked", "flanneld.notices" })
        {
            var made = Path.Combine(Path.GetDirectoryName(Packages.ExecutableOf("amd64"))!, name);
            Assert.SkipUnless(File.Exists(made), $"no {made}: ./build.sh publish makes it");
            Copy(made, Path.GetRelativePath(Locations.Repository(),
                Path.Combine(Path.GetDirectoryName(Packages.ExecutableOf(architecture))!, name)));
        }
        return this;
    }

    /// <summary>Uses a file of a few bytes as the executable.</summary>
    public ScratchBuild WithPlaceholder(string architecture)
    {
        WithExecutable(architecture);
        File.WriteAllText(Path.Combine(Root, Path.GetRelativePath(Locations.Repository(), Packages.ExecutableOf(architecture))),
            "not an executable\n");
        return this;
    }

    /// <summary>Runs a packaging script with a fixed version and time.</summary>
    public Task<CommandResult> RunAsync(string script, IReadOnlyList<string> arguments, CancellationToken cancel,
        params NamedValue[] more)
    {
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = Environment.GetEnvironmentVariable("PATH")!,
            ["VERSION"] = Version,
            ["SOURCE_DATE_EPOCH"] = Epoch,
            // Git must not find a repository above the folder.
            ["GIT_CEILING_DIRECTORIES"] = Path.GetDirectoryName(Root)!,
        };
        foreach (var (name, value) in more)
        {
            environment[name] = value;
        }
        return ProcessCommand.TryRunAsync(new ProgramStart(Path.Combine(Root, script), arguments) { Environment = environment }, cancel);
    }

    public void Dispose() => folder.Dispose();

    private void Copy(string from, string to)
    {
        var target = Path.Combine(Root, to);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(from, target);
    }
}
