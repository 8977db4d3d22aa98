using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class SignalTaskTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Requests_during_a_run_cause_one_more_run()
    {
        using var started = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        var runs = 0;
        using var task = new SignalTask(async () =>
        {
            Interlocked.Increment(ref runs);
            started.Release();
            await release.WaitAsync(TestContext.Current.CancellationToken);
        });
        task.Request();
        Assert.True(await started.WaitAsync(Limit, TestContext.Current.CancellationToken));
        for (var i = 0; i < 100; i++) task.Request();
        Assert.Equal(1, runs);
        release.Release();
        Assert.True(await started.WaitAsync(Limit, TestContext.Current.CancellationToken));
        release.Release();
        task.Request();
        Assert.True(await started.WaitAsync(Limit, TestContext.Current.CancellationToken));
        release.Release();
        Assert.Equal(3, runs);
    }
}
