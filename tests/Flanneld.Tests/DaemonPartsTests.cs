using Flannel.Etcd.Client;

namespace Flanneld.Tests;

public sealed class DaemonPartsTests : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly DaemonParts parts;
    private readonly TaskCompletionSource<string?> node = new();
    private readonly TaskCompletionSource part = new();

    public DaemonPartsTests()
    {
        parts = new DaemonParts(stop.Token);
        parts.Add("the part", part.Task);
    }

    public void Dispose() => stop.Dispose();

    [Fact]
    public async Task A_part_that_is_cancelled_without_a_stop_ends_the_daemon_with_its_name()
    {
        var end = parts.FirstEndAsync(node.Task);
        part.SetCanceled(CancellationToken.None);
        Assert.Equal("a fault of this program: the part was cancelled without a stop; please report it with these lines", await end);
    }

    [Fact]
    public async Task A_part_that_fails_ends_the_daemon_with_its_name_and_its_exception()
    {
        var end = parts.FirstEndAsync(node.Task);
        part.SetException(new InvalidOperationException("broken"));
        var failed = await Assert.ThrowsAsync<PartFailedException>(() => end);
        Assert.Equal("broken", Assert.IsType<InvalidOperationException>(failed.InnerException).Message);
        Assert.Equal("a fault of this program: the part failed; please report it with these lines", InternalError.Line(failed));
    }

    [Fact]
    public async Task A_part_that_is_added_later_is_watched_as_well()
    {
        var end = parts.FirstEndAsync(node.Task);
        var later = new TaskCompletionSource();
        parts.Add("the later part", later.Task);
        later.SetCanceled(CancellationToken.None);
        var line = await end.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Contains("the later part", line, StringComparison.Ordinal);
    }

    /// <summary>Before the node runs, or while it ends.</summary>
    [Fact]
    public async Task The_end_waits_for_parts_that_others_add_while_they_end()
    {
        var ended = parts.EndAsync();
        var later = new TaskCompletionSource();
        parts.Add("the later part", later.Task);
        part.SetResult();
        await Task.Yield();
        Assert.False(ended.IsCompleted);
        later.SetResult();
        await ended.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Every_bug_is_reported_in_the_same_words()
    {
        var unhandled = InternalError.Line(new InvalidOperationException("broken"));
        Assert.Equal("a fault of this program: an unhandled exception; please report it with these lines", unhandled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_part_that_completes_or_ends_by_a_stop_does_not_end_the_daemon(bool stopped)
    {
        var end = parts.FirstEndAsync(node.Task);
        if (stopped)
        {
            await stop.CancelAsync();
            part.SetCanceled(stop.Token);
        }
        else
        {
            part.SetResult();
        }

        Assert.False(end.IsCompleted);
        node.SetResult("the lease is lost");
        Assert.Equal("the lease is lost", await end);
        await parts.EndAsync();
    }
}
