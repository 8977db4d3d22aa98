using Flannel.Core;

namespace Flanneld.Host;

/// <summary>The tasks that run concurrently with the node, monitored from the moment they are added. A task that fails, or is cancelled
/// before shutdown, ends the daemon: nothing else does its work. A task that completes has done its work.</summary>
/// <param name="shutdown">After it is cancelled, a task may end by cancellation.</param>
internal sealed class BackgroundTasks(CancellationToken shutdown)
{
    private readonly Lock gate = new();
    private readonly List<Task> tasks = [];
    private readonly TaskCompletionSource<string> failure = new();

    /// <param name="name">For the error that says which task has ended.</param>
    /// <param name="task">Ends by cancellation after shutdown, or completes when its work is done.</param>
    public void Add(string name, Task task)
    {
        var monitored = MonitorAsync(name, task);
        lock (gate) tasks.Add(monitored);
    }

    /// <summary>Completes with <paramref name="main"/>, or earlier with the name of a task that was cancelled before shutdown.</summary>
    /// <param name="main">May add tasks.</param>
    /// <exception cref="BackgroundTaskFailedException">A task failed.</exception>
    /// <exception cref="Exception">That of <paramref name="main"/>.</exception>
    public async Task<string> RunWithAsync(Task<string> main)
    {
        lock (gate) tasks.Add(main);
        var first = await Task.WhenAny(main, failure.Task);
        return await first;
    }

    /// <summary>Completes when all tasks have ended, with or without success, including those that are added meanwhile.</summary>
    public async Task WhenAllEndedAsync()
    {
        for (var ended = 0; ;)
        {
            Task[] all;
            lock (gate) all = [.. tasks];
            if (all.Length == ended) return;
            await Task.WhenAll(all).ConfigureAwait(TaskWait.IgnoringFailure);
            ended = all.Length;
        }
    }

    private async Task MonitorAsync(string name, Task task)
    {
        await task.ConfigureAwait(TaskWait.IgnoringFailure);
        if (task.Exception?.InnerException is { } exception) failure.TrySetException(new BackgroundTaskFailedException(name, exception));
        else if (task.IsCanceled && !shutdown.IsCancellationRequested)
            failure.TrySetResult(InternalError.Line($"{name} was cancelled before shutdown"));
    }
}

/// <summary>A background task failed.</summary>
/// <param name="name">Of the task.</param>
internal sealed class BackgroundTaskFailedException(string name, Exception exception)
    : Exception(InternalError.Line($"{name} failed"), exception);
