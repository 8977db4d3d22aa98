using Flannel.Core;
using Flanneld.Backends;

namespace Flanneld.Controller;

/// <summary>A candidate and its task. Disposed after the task has ended.</summary>
/// <param name="backend">Of the configuration that the candidate was created for.</param>
internal sealed class CandidateRun(IBackend backend, IControllerCandidate candidate) : IDisposable
{
    private readonly TaskCompletionSource leased = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource ending = new();
    private Task running = Task.CompletedTask;

    public IBackend Backend => backend;

    public IControllerCandidate Candidate => candidate;

    /// <summary>Starts the candidate. Once.</summary>
    /// <param name="before">Completes when the candidate may send requests to the cloud.</param>
    /// <returns>Ends when <paramref name="cancellation"/> is cancelled, and completes when the candidate is stopped.</returns>
    public Task StartAsync(Task before, TimeProvider time, CancellationToken cancellation) =>
        running = RunAsync(before, time, cancellation);

    /// <summary>This node has its lease: the candidate may campaign.</summary>
    public void SetLeased() => leased.TrySetResult();

    /// <summary>Another candidate is to replace this one.</summary>
    public async Task StopAsync()
    {
        ending.Cancel();
        await running.ConfigureAwait(TaskWait.IgnoringFailure);
    }

    public void Dispose()
    {
        candidate.Dispose();
        ending.Dispose();
    }

    private async Task RunAsync(Task before, TimeProvider time, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, ending.Token);
        try
        {
            await TaskWait.WaitAsync(before, Timeout.InfiniteTimeSpan, time, either.Token);
            await candidate.RunAsync(leased.Task, either.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // Stopped.
        }
    }
}
