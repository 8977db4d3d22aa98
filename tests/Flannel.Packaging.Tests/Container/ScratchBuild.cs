using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>A folder with what the packaging scripts read, and nothing of Git: the scripts run there as they would in another's clone.</summary>
internal sealed class ScratchBuild : IDisposable
{
    public const string Version = "1.2.3~dev4.gabcdef12";

    /// <summary>What the version is as a tag.</summary>
    public const string Tag = "1.2.3-dev4.gabcdef12";

    /// <summary>2026-01-02T03:04:05Z.</summary>
    private const string Epoch = "1767323045";

    private readonly RunFolder folder;

    /// <param name="where">A folder inside, so that two of them lie at different depths.</param>
    public ScratchBuild(string where)
    {
        folder = new RunFolder("scratch");
        Root = Path.Combine(folder.Path, where);
        var repository = Locations.Repository();
        foreach (var file in new[] { "eng/lib.sh", "Directory.Build.props" }.Concat(
            Directory.GetFiles(Path.Combine(repository, "packaging"), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(repository, file))))
        {
            Copy(Path.Combine(repository, file), file);
        }
    }

    public string Root { get; }

    public string PackagesFolder => Path.Combine(Root, "artifacts", "packages");

    public string Image => Path.Combine(PackagesFolder, $"flanneld-{Version}-oci.tar");

    /// <summary>Puts this machine's executable where one for that architecture is looked for. For another architecture it is a stand-in, good enough
    /// to see how an index over two is made.</summary>
    public ScratchBuild WithExecutable(string architecture)
    {
        foreach (var name in new[] { "flanneld", "flanneld.linked", "flanneld.notices" })
        {
            var made = Path.Combine(Path.GetDirectoryName(Packages.ExecutableOf("amd64"))!, name);
            Assert.SkipUnless(File.Exists(made), $"no {made}: ./build.sh publish makes it");
            Copy(made, Path.GetRelativePath(Locations.Repository(), Path.Combine(Path.GetDirectoryName(Packages.ExecutableOf(architecture))!, name)));
        }
        return this;
    }

    /// <summary>The same with a file of a few bytes, where the executable itself does not matter.</summary>
    public ScratchBuild WithStandIn(string architecture)
    {
        WithExecutable(architecture);
        File.WriteAllText(Path.Combine(Root, Path.GetRelativePath(Locations.Repository(), Packages.ExecutableOf(architecture))), "not an executable\n");
        return this;
    }

    /// <summary>Runs a script of packaging/ with a version and a time of our own.</summary>
    public Task<CommandResult> RunAsync(string script, IReadOnlyList<string> arguments, CancellationToken cancel, params (string Name, string Value)[] more)
    {
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = Environment.GetEnvironmentVariable("PATH")!,
            ["VERSION"] = Version,
            ["SOURCE_DATE_EPOCH"] = Epoch,
            // A temporary folder above it may be a clone of something.
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
