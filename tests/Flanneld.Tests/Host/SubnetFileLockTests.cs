using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class SubnetFileLockTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    private string SubnetPath => Path.Combine(directory, "run", "subnet.env");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void A_second_lock_fails_with_the_holder_until_the_first_is_released()
    {
        var first = Assert.IsType<LockResult.Taken>(SubnetFileLock.Take(SubnetPath));
        foreach (var second in new[] { SubnetFileLock.Take(SubnetPath), SubnetFileLock.TakeExisting(SubnetPath, "release") })
            Assert.Matches($@"^flanneld \S+, process {Environment.ProcessId}$", Assert.IsType<LockResult.Busy>(second).Holder);

        first.Lock.Dispose();
        var released = Assert.IsType<LockResult.Taken>(SubnetFileLock.TakeExisting(SubnetPath, "release"));
        var busy = Assert.IsType<LockResult.Busy>(SubnetFileLock.Take(SubnetPath));
        Assert.StartsWith("flanneld release ", busy.Holder, StringComparison.Ordinal);
        released.Lock.Dispose();
    }

    [Fact]
    public void Another_subnet_file_in_the_same_folder_has_its_own_lock()
    {
        using var one = Assert.IsType<LockResult.Taken>(SubnetFileLock.Take(SubnetPath)).Lock;
        using var other = Assert.IsType<LockResult.Taken>(SubnetFileLock.Take(SubnetPath + "-2")).Lock;
    }

    [Fact]
    public void A_command_creates_no_lock_file()
    {
        Assert.IsType<LockResult.Absent>(SubnetFileLock.TakeExisting(SubnetPath, "release"));
        Directory.CreateDirectory(Path.GetDirectoryName(SubnetPath)!);
        Assert.IsType<LockResult.Absent>(SubnetFileLock.TakeExisting(SubnetPath, "release"));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(SubnetPath)!));
    }

    [Fact]
    public void Other_users_cannot_open_the_lock_file()
    {
        using var taken = Assert.IsType<LockResult.Taken>(SubnetFileLock.Take(SubnetPath)).Lock;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SubnetPath + ".lock"));
    }

    [Fact]
    public void A_file_that_cannot_be_locked_is_reported_in_one_line()
    {
        File.WriteAllText(Path.Combine(directory, "run"), "a file where the directory should be");
        Assert.DoesNotContain('\n', Assert.IsType<LockResult.Unavailable>(SubnetFileLock.Take(SubnetPath)).Reason);
    }
}
