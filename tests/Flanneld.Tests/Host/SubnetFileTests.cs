using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class SubnetFileTests : IDisposable
{
    private static readonly SubnetEnv Env = new(Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24"), 1500, false);
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    private string Path => System.IO.Path.Combine(directory, "run", "subnet.env");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void It_is_written_whole_with_mode_0644_and_leaves_no_other_file()
    {
        Assert.Null(new SubnetFile(Path).Write(Env).Error);
        Assert.Equal(
            "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n", File.ReadAllText(Path));
        Assert.Equal("0644", Convert.ToString((int)File.GetUnixFileMode(Path), 8).PadLeft(4, '0'));
        Assert.Single(Directory.GetFiles(System.IO.Path.GetDirectoryName(Path)!));
    }

    /// <summary>A plain open(2) of a pipe without a writer blocks without end, and cannot be cancelled.</summary>
    [Fact]
    public async Task A_pipe_in_its_place_is_unreadable_and_does_not_block()
    {
        var pipe = System.IO.Path.Combine(directory, "pipe");
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [pipe]))
            await mkfifo.WaitForExitAsync(TestContext.Current.CancellationToken);
        var reading = Task.Run(new SubnetFile(pipe).Read, TestContext.Current.CancellationToken);
        var state = await reading.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Contains("it is a pipe", Assert.IsType<SubnetFileState.Unreadable>(state).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void It_replaces_an_older_file_and_can_be_read()
    {
        var file = new SubnetFile(Path);
        Assert.IsType<SubnetFileState.Missing>(file.Read());
        Assert.Null(file.Write(Env with { Subnet = Ipv4Network.Parse("10.24.9.0/24") }).Error);
        Assert.Null(file.Write(Env).Error);
        var present = Assert.IsType<SubnetFileState.Present>(file.Read());
        Assert.Equal(Ipv4Network.Parse("10.24.5.0/24"), present.ReadSubnet());
        Assert.True(present.HasExpectedMode);
        Assert.Null(file.Remove().Error);
        Assert.Null(file.Remove().Error);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_reported_in_one_line()
    {
        File.WriteAllText(System.IO.Path.Combine(directory, "run"), "a file where the directory should be");
        var error = new SubnetFile(Path).Write(Env).Error!;
        Assert.StartsWith($"cannot write {Path}: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_in_place_of_the_path_is_not_quoted()
    {
        const string secret = "s3cretOfAnOperator";
        var path = $"{directory}/{secret}{new string('x', 256)}";
        var file = new SubnetFile(path);
        string[] lines =
        [
            file.Write(Env).Error!,
            Assert.IsType<SubnetFileState.Unreadable>(file.Read()).Error,
            file.Remove().Error!,
            new LastSubnetFile(path, null).Write(Env.Subnet).Error!,
            Assert.IsType<LockResult.Unavailable>(SubnetFileLock.Take(path)).Reason,
            Assert.IsType<LockResult.Unavailable>(SubnetFileLock.Take($"{path}/subnet.env")).Reason,
        ];
        Assert.All(lines, line =>
        {
            Assert.Contains("(not shown: ", line, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, line, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_folder_in_its_place_is_reported_as_unreadable()
    {
        Directory.CreateDirectory(Path);
        Assert.Contains(Path, Assert.IsType<SubnetFileState.Unreadable>(new SubnetFile(Path).Read()).Error, StringComparison.Ordinal);
        Assert.NotNull(new SubnetFile(Path).Write(Env).Error);
    }
}
