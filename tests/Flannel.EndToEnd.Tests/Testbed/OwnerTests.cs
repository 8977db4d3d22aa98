using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests.Testbed;

public sealed class OwnerTests
{
    [Fact]
    public void What_this_process_made_is_no_orphan() => Assert.False(Owner.IsOrphan(Owner.NewName("x")));

    [Theory]
    [InlineData("flannelbed-4194304-12345-1-x", true)]
    [InlineData("flannelbed-1-0-1-x", true)]
    [InlineData("somebody-4194304-12345-1-x", false)]
    [InlineData("flannelbed-x-y-1-x", false)]
    [InlineData("flannelbed", false)]
    public void Only_names_of_ours_whose_process_is_gone_are_orphans(string name, bool orphan) => Assert.Equal(orphan, Owner.IsOrphan(name));

    [Fact]
    public async Task A_child_dies_with_the_process_that_started_it()
    {
        // The shell starts a sleeper as we start everything, tells us its process id, and is killed.
        await using var parent = await ChildProcess.StartAsync(new ProgramStart("/bin/sh", ["-c", "setpriv --pdeathsig KILL sleep 1000 & echo $!; wait"]));
        var id = await Eventually.HasAsync("the child's process id", () => Task.FromResult(parent.StandardOutput.Contains('\n', StringComparison.Ordinal) ? parent.StandardOutput.Trim() : null), TestContext.Current.CancellationToken);
        await Eventually.IsAsync("the child is the sleeper", () => Task.FromResult(Is(id, "sleep")), TestContext.Current.CancellationToken);
        parent.Kill();
        await Eventually.IsAsync("the child is gone", () => Task.FromResult(!Is(id, "sleep")), TestContext.Current.CancellationToken);
    }

    private static bool Is(string processId, string name)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/comm").Trim() == name && !File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
