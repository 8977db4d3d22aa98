namespace Flannel.AliCloud.Http;

/// <summary>The time that one call of <see cref="ICloudApi"/> has, with all its pages and repetitions.</summary>
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

    /// <summary>The caller's own wish to stop: the one thing that is thrown.</summary>
    public CancellationToken Caller { get; }

    /// <summary>The caller's, or the time is over.</summary>
    public CancellationToken Token => linked.Token;

    public void Dispose()
    {
        linked.Dispose();
        timeout.Dispose();
    }
}
