using Flannel.Testbed;

namespace Flanneld.Unit.Tests.Packaging;

/// <summary><c>mk-docker-opts.sh</c>, with the options and the output of upstream's script of that name.</summary>
public sealed class MkDockerOptsTests : IDisposable
{
    private const string Subnet = "FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n";

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
    public async Task What_the_environment_holds_comes_along()
    {
        var environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin", ["DOCKER_OPTS"] = "--debug", ["DOCKER_OPT_ZONE"] = "--label=zone=h" };
        Assert.Equal("", await RunAsync(Subnet, "-c", environment));
        Assert.Equal(
            "DOCKER_OPTS=\"--debug --bip=10.1.74.1/24 --ip-masq=true --mtu=1472 --label=zone=h\"\n",
            await File.ReadAllTextAsync(DockerFile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Its_file_can_be_read_by_all_and_replaces_the_one_before()
    {
        await File.WriteAllTextAsync(DockerFile, "old\n", TestContext.Current.CancellationToken);
        Assert.Equal("", await RunAsync(Subnet, "-c"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(DockerFile));
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
    public async Task Without_a_whole_subnet_file_it_fails_and_writes_nothing(string? subnet, string options, string error)
    {
        Assert.Contains(error, await RunAsync(subnet, options));
        Assert.False(File.Exists(DockerFile));
    }

    [Fact]
    public async Task The_subnet_file_is_not_run()
    {
        Assert.Equal("", await RunAsync(Subnet + $"touch {folder.Path}/run\nX=$(touch {folder.Path}/run)\n", "-c"));
        Assert.False(File.Exists(Path.Combine(folder.Path, "run")));
    }

    /// <summary>Empty, or what it said when it failed.</summary>
    private async Task<string> RunAsync(string? subnet, string options, IReadOnlyDictionary<string, string>? environment = null)
    {
        if (subnet is not null) await File.WriteAllTextAsync(SubnetFile, subnet);
        var start = new ProgramStart(
            Texts.Path("mk-docker-opts.sh"), ["-f", SubnetFile, "-d", DockerFile, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)])
        { Environment = environment };
        var result = await Command.TryRunAsync(start, TestContext.Current.CancellationToken);
        Assert.Equal(result.Error.Length == 0 ? 0 : 1, result.ExitCode);
        return result.Error;
    }
}
