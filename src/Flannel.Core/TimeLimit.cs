namespace Flannel.Core;

/// <summary>A token that is cancelled with the caller's, or after a time.</summary>
public sealed class TimeLimit : IDisposable
{
    private readonly CancellationTokenSource timeout;
    private readonly CancellationTokenSource either;

    public TimeLimit(TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        timeout = new CancellationTokenSource(atMost, time);
        either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
    }

    public CancellationToken Token => either.Token;

    /// <summary>True after the time, whether or not the caller has cancelled too.</summary>
    public bool HasPassed => timeout.IsCancellationRequested;

    /// <summary>Begins the time again.</summary>
    public void Restart(TimeSpan atMost) => timeout.CancelAfter(atMost);

    public void Dispose()
    {
        either.Dispose();
        timeout.Dispose();
    }
}
