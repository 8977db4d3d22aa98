namespace Flanneld.Unit.Tests;

public sealed class DaemonPartsTests : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly DaemonParts parts;
    private readonly TaskCompletionSource<string> node = new();
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
        Assert.Equal("internal error (please report): the part was cancelled without a stop", await end);
    }

    [Fact]
    public async Task A_part_that_fails_ends_the_daemon_with_its_exception()
    {
        var end = parts.FirstEndAsync(node.Task);
        part.SetException(new InvalidOperationException("broken"));
        Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidOperationException>(() => end)).Message);
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
