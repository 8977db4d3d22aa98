using Flannel.Testbed;

namespace Flanneld.Tests.Packaging;

/// <summary><c>mk-docker-opts.sh</c>, with the options and the output of upstream's script of that name.</summary>
public sealed class MkDockerOptsTests : IDisposable
{
    private const string Subnet = "FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n";

    private static readonly string[][] s_shells =
        [["/bin/dash"], ["/bin/bash"], ["/bin/bash", "--posix"], ["/bin/busybox", "sh"], ["/usr/bin/busybox", "sh"]];

    private readonly RunFolder folder = new("docker-opts");

    private string SubnetFile => Path.Combine(folder.Path, "subnet.env");

    private string DockerFile => Path.Combine(folder.Path, "docker");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("", "DOCKER_OPT_BIP=\"--bip=10.1.74.1/24\"\nDOCKER_OPT_IPMASQ=\"--ip-masq=true\"\nDOCKER_OPT_MTU=\"--mtu=1472\"\n"
        + "DOCKER_OPTS=\" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472\"\n")]
    [InlineData("-i", "DOCKER_OPT_BIP=\"--bip=10.1.74.1/24\"\nDOCKER_OPT_IPMASQ=\"--ip-masq=true\"\nDOCKER_OPT_MTU=\"--mtu=1472\"\n")]
    [InlineData("-c", "DOCKER_OPTS=\" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472\"\n")]
    [InlineData("-c -m", "DOCKER_OPTS=\" --bip=10.1.74.1/24 --mtu=1472\"\n")]
    [InlineData("-i -m", "DOCKER_OPT_BIP=\"--bip=10.1.74.1/24\"\nDOCKER_OPT_MTU=\"--mtu=1472\"\n")]
    [InlineData("-c -k DOCKER_NETWORK_OPTIONS", "DOCKER_NETWORK_OPTIONS=\" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472\"\n")]
    [InlineData("-k KEY", "DOCKER_OPT_BIP=\"--bip=10.1.74.1/24\"\nDOCKER_OPT_IPMASQ=\"--ip-masq=true\"\nDOCKER_OPT_MTU=\"--mtu=1472\"\n"
        + "KEY=\" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472\"\n")]
    public async Task Writes_what_upstreams_script_writes(string options, string expected)
    {
        Assert.Equal("", await RunAsync(Subnet, options));
        Assert.Equal(expected, await File.ReadAllTextAsync(DockerFile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Docker_masquerades_only_if_flannel_does_not()
    {
        Assert.Equal("", await RunAsync(Subnet.Replace("false", "true", StringComparison.Ordinal), "-c"));
        Assert.Contains(" --ip-masq=false ", await File.ReadAllTextAsync(DockerFile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Docker_options_of_the_environment_are_kept()
    {
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = "/usr/bin:/bin",
            ["DOCKER_OPTS"] = "--debug",
            ["DOCKER_OPT_ZONE"] = "--label=zone=h"
        };
        Assert.Equal("", await RunAsync(Subnet, "-c", environment));
        Assert.Equal(
            "DOCKER_OPTS=\"--debug --bip=10.1.74.1/24 --ip-masq=true --mtu=1472 --label=zone=h\"\n",
            await File.ReadAllTextAsync(DockerFile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_file_is_readable_by_all_and_replaces_the_earlier_one()
    {
        await File.WriteAllTextAsync(DockerFile, "old\n", TestContext.Current.CancellationToken);
        Assert.Equal("", await RunAsync(Subnet, "-c"));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            File.GetUnixFileMode(DockerFile));
        Assert.DoesNotContain("old", await File.ReadAllTextAsync(DockerFile, TestContext.Current.CancellationToken));
        Assert.Equal(["docker", "subnet.env"], Directory.GetFiles(folder.Path).Select(path => Path.GetFileName(path)).Order());
    }

    [Theory]
    [InlineData(null, "", "flanneld has no subnet yet")]
    [InlineData("", "", "has no FLANNEL_SUBNET")]
    [InlineData("FLANNEL_SUBNET=10.1.74.1/24\n", "", "has no FLANNEL_MTU")]
    [InlineData("FLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1500\n", "", "has no FLANNEL_IPMASQ")]
    [InlineData("FLANNEL_SUBNET=10.1.74.1/24 --privileged\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n", "", "has no FLANNEL_SUBNET")]
    [InlineData(Subnet, "-k 9", "-k must be the name of a variable")]
    [InlineData(Subnet, "-x", "Usage:")]
    [InlineData(Subnet, "-c more", "Usage:")]
    public async Task Without_a_complete_subnet_file_it_fails_and_writes_nothing(string? subnet, string options, string error)
    {
        Assert.Contains(error, await RunAsync(subnet, options));
        Assert.False(File.Exists(DockerFile));
    }

    [Fact]
    public async Task The_subnet_file_is_not_executed()
    {
        Assert.Equal("", await RunAsync(Subnet + $"touch {folder.Path}/run\nX=$(touch {folder.Path}/run)\n", "-c"));
        Assert.False(File.Exists(Path.Combine(folder.Path, "run")));
    }

    [Theory]
    [InlineData("subnet.env")]
    [InlineData("link")]
    [InlineData("hard")]
    [InlineData("sub/../subnet.env")]
    public async Task The_output_file_is_never_the_subnet_file(string name)
    {
        await File.WriteAllTextAsync(SubnetFile, Subnet, TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Path.Combine(folder.Path, "sub"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "link"), SubnetFile);
        await ProcessCommand.RunAsync(
            new ProgramStart("/bin/ln", [SubnetFile, Path.Combine(folder.Path, "hard")]), TestContext.Current.CancellationToken);
        Assert.Contains(
            "is the file that -f names: -d must name another one", await RunAsync(Subnet, "-c", into: name), StringComparison.Ordinal);
        Assert.Equal(Subnet, await File.ReadAllTextAsync(SubnetFile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_output_file_is_never_the_target_of_a_link_that_is_read()
    {
        var cancel = TestContext.Current.CancellationToken;
        await File.WriteAllTextAsync(DockerFile, Subnet, cancel);
        File.CreateSymbolicLink(SubnetFile, "docker");
        Assert.Contains("is the file that -f names: -d must name another one", await RunAsync(null, "-c"), StringComparison.Ordinal);
        Assert.Equal(Subnet, await File.ReadAllTextAsync(DockerFile, cancel));
    }

    [Theory]
    [InlineData("target")]
    [InlineData("sub/../target")]
    [InlineData("other-link")]
    public async Task A_symbolic_link_is_followed_and_kept(string destination)
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "sub"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "other-link"), "target");
        File.CreateSymbolicLink(DockerFile, destination);
        foreach (var isThere in new[] { false, true })
        {
            Assert.Equal("", await RunAsync(Subnet, "-c"));
            Assert.Equal(destination, new FileInfo(DockerFile).LinkTarget);
            var target = new FileInfo(Path.Combine(folder.Path, "target"));
            Assert.Null(target.LinkTarget);
            Assert.Contains(
                "--bip=10.1.74.1/24", await File.ReadAllTextAsync(target.FullName, TestContext.Current.CancellationToken),
                StringComparison.Ordinal);
            await File.WriteAllTextAsync(target.FullName, isThere ? "" : "before", TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("sub", "is a folder: -d must name a file")]
    [InlineData("link-to-sub", "is a folder: -d must name a file")]
    [InlineData("loop", "is a link that leads to itself")]
    [InlineData("missing/file", "cannot write")]
    public async Task An_output_path_that_is_no_file_is_named_and_not_changed(string name, string error)
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "sub"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "link-to-sub"), "sub");
        File.CreateSymbolicLink(Path.Combine(folder.Path, "loop"), "loop");
        Assert.Contains(
            error, Assert.Single((await RunAsync(Subnet, "-c", into: name)).Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder.Path, "sub")));
    }

    [Fact]
    public async Task The_output_may_be_standard_output()
    {
        await File.WriteAllTextAsync(SubnetFile, Subnet, TestContext.Current.CancellationToken);
        var start = new ProgramStart(Texts.Path("mk-docker-opts.sh"), ["-c", "-f", SubnetFile, "-d", "/dev/stdout"]);
        Assert.Equal(
            "DOCKER_OPTS=\" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472\"\n",
            await ProcessCommand.RunAsync(start, TestContext.Current.CancellationToken));
    }

    /// <summary>Runs the script in every shell that may be a host's <c>sh</c>. All must print and write the same.</summary>
    /// <returns>The error output; empty on success.</returns>
    private async Task<string> RunAsync(
        string? subnet, string options, IReadOnlyDictionary<string, string>? environment = null, string into = "docker")
    {
        if (subnet is not null) await File.WriteAllTextAsync(SubnetFile, subnet);
        var said = new List<string>();
        var wrote = new List<string?>();
        var before = await ReadAsync();
        foreach (var shell in s_shells.Where(shell => File.Exists(shell[0])))
        {
            if (said.Count > 0 && before is not null) await File.WriteAllTextAsync(DockerFile, before);
            var start = new ProgramStart(
                shell[0],
                [.. shell[1..], Texts.Path("mk-docker-opts.sh"), "-f", SubnetFile, "-d", Path.Combine(folder.Path, into), .. options.Split(
                    ' ', StringSplitOptions.RemoveEmptyEntries)])
            { Environment = environment };
            var result = await ProcessCommand.TryRunAsync(start, TestContext.Current.CancellationToken);
            Assert.Equal(result.Error.Length == 0 ? 0 : 1, result.ExitCode);
            // Each shell has its own text for an unknown option.
            said.Add(options == "-x" ? result.Error[result.Error.IndexOf("Usage:", StringComparison.Ordinal)..] : result.Error);
            wrote.Add(await ReadAsync());
        }

        Assert.Single(said.Distinct());
        Assert.Single(wrote.Distinct());
        return said[0];
    }

    /// <summary>Null without a file, and for a link whose target does not exist.</summary>
    private async Task<string?> ReadAsync()
    {
        try
        {
            return await File.ReadAllTextAsync(DockerFile, TestContext.Current.CancellationToken);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
