using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class BackgroundTasksTests : IDisposable
{
    private readonly CancellationTokenSource shutdown = new();
    private readonly BackgroundTasks tasks;
    private readonly TaskCompletionSource<string> node = new();
    private readonly TaskCompletionSource task = new();

    public BackgroundTasksTests()
    {
        tasks = new BackgroundTasks(shutdown.Token);
        tasks.Add("the task", task.Task);
    }

    public void Dispose() => shutdown.Dispose();

    [Fact]
    public async Task A_task_that_is_cancelled_before_shutdown_ends_the_daemon_with_its_name()
    {
        var end = tasks.RunWithAsync(node.Task);
        task.SetCanceled(CancellationToken.None);
        Assert.Equal("internal error (please report): the task was cancelled before shutdown", await end);
    }

    [Fact]
    public async Task A_task_that_fails_ends_the_daemon_with_its_name_and_its_exception()
    {
        var end = tasks.RunWithAsync(node.Task);
        task.SetException(new InvalidOperationException("broken"));
        var failed = await Assert.ThrowsAsync<BackgroundTaskFailedException>(() => end);
        Assert.Equal("broken", Assert.IsType<InvalidOperationException>(failed.InnerException).Message);
        Assert.Equal("internal error (please report): the task failed", InternalError.Line(failed));
    }

    [Fact]
    public async Task A_task_that_is_added_later_is_monitored_too()
    {
        var end = tasks.RunWithAsync(node.Task);
        var later = new TaskCompletionSource();
        tasks.Add("the later task", later.Task);
        later.SetCanceled(CancellationToken.None);
        var line = await end.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Contains("the later task", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_the_end_includes_tasks_that_are_added_meanwhile()
    {
        var ended = tasks.WhenAllEndedAsync();
        var later = new TaskCompletionSource();
        tasks.Add("the later task", later.Task);
        task.SetResult();
        await Task.Yield();
        Assert.False(ended.IsCompleted);
        later.SetResult();
        await ended.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Every_internal_error_has_the_same_text()
    {
        var unhandled = InternalError.Line(new InvalidOperationException("broken"));
        Assert.Equal("internal error (please report): unhandled exception", unhandled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_task_that_completes_or_ends_by_shutdown_does_not_end_the_daemon(bool isShutdown)
    {
        var end = tasks.RunWithAsync(node.Task);
        if (isShutdown)
        {
            await shutdown.CancelAsync();
            task.SetCanceled(shutdown.Token);
        }
        else
        {
            task.SetResult();
        }

        Assert.False(end.IsCompleted);
        node.SetResult("the lease is lost");
        Assert.Equal("the lease is lost", await end);
        await tasks.WhenAllEndedAsync();
    }
}
