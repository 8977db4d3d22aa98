using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests.Testbed;

public sealed class ResourceNameTests
{
    [Fact]
    public void A_name_of_the_running_process_is_no_orphan() => Assert.False(ResourceName.IsOrphan(ResourceName.Create("x")));

    [Theory]
    [InlineData("flanneltest-4194304-12345-1-x", true)]
    [InlineData("flanneltest-1-0-1-x", true)]
    [InlineData("other-4194304-12345-1-x", false)]
    [InlineData("flanneltest-x-y-1-x", false)]
    [InlineData("flanneltest", false)]
    public void Only_test_names_of_ended_processes_are_orphans(string name, bool orphan) =>
        Assert.Equal(orphan, ResourceName.IsOrphan(name));

    [Fact]
    public async Task A_child_process_ends_with_its_parent()
    {
        // The shell starts a child with the wrapper of ProgramStart, prints its process id, and is killed.
        var cancel = TestContext.Current.CancellationToken;
        await using var parent = await ChildProcess.StartAsync(
            new ProgramStart("/bin/sh", ["-c", "setpriv --pdeathsig KILL sleep 1000 & echo $!; wait"]));
        var id = await Eventually.HasAsync(
            "the shell prints the process id of the child",
            () => Task.FromResult(parent.StandardOutput.Contains('\n', StringComparison.Ordinal) ? parent.StandardOutput.Trim() : null),
            cancel);
        await Eventually.IsAsync("the child runs sleep", () => Task.FromResult(Runs(id, "sleep")), cancel);
        parent.Kill();
        await Eventually.IsAsync("the child has ended", () => Task.FromResult(!Runs(id, "sleep")), cancel);
    }

    private static bool Runs(string processId, string name)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/comm").Trim() == name
                && !File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
