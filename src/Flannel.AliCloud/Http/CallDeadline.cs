namespace Flannel.AliCloud.Http;

/// <summary>The time limit of one call of <c>ICloudApi</c>, including its pages and retries.</summary>
internal sealed class CallDeadline : IDisposable
{
    private readonly TimeSpan limit;
    private readonly CancellationTokenSource timeout;
    private readonly CancellationTokenSource linked;

    public CallDeadline(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        this.limit = limit;
        Caller = caller;
        timeout = new CancellationTokenSource(limit, time);
        linked = CancellationTokenSource.CreateLinkedTokenSource(caller, timeout.Token);
    }

    /// <summary>The caller's token. Only its cancellation is thrown; the time limit becomes an error.</summary>
    public CancellationToken Caller { get; }

    /// <summary>Cancelled by the caller or by the time limit.</summary>
    public CancellationToken Token => linked.Token;

    /// <summary>Waits for something that the time limit does not include. The limit then starts again.</summary>
    public async Task ExcludeAsync(Func<CancellationToken, Task> wait)
    {
        timeout.CancelAfter(Timeout.InfiniteTimeSpan);
        await wait(Caller);
        timeout.CancelAfter(limit);
    }

    public void Dispose()
    {
        linked.Dispose();
        timeout.Dispose();
    }
}
