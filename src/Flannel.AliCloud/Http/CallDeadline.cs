namespace Flannel.AliCloud.Http;

/// <summary>The time limit of one call of <c>ICloudApi</c>, including its pages and retries.</summary>
internal sealed class CallDeadline : IDisposable
{
    private readonly CancellationTokenSource timeout;
    private readonly CancellationTokenSource linked;

    public CallDeadline(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        Caller = caller;
        timeout = new CancellationTokenSource(limit, time);
        linked = CancellationTokenSource.CreateLinkedTokenSource(caller, timeout.Token);
    }

    /// <summary>The caller's token. Only its cancellation is thrown; the time limit becomes an error.</summary>
    public CancellationToken Caller { get; }

    /// <summary>Cancelled by the caller or by the time limit.</summary>
    public CancellationToken Token => linked.Token;

    public void Dispose()
    {
        linked.Dispose();
        timeout.Dispose();
    }
}
