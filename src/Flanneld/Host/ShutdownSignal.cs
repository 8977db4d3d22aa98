namespace Flanneld.Host;

/// <summary>What a signal means.</summary>
internal enum ShutdownRequest
{
    /// <summary>The first signal: the shutdown begins.</summary>
    First,

    /// <summary>A repeat of the first signal.</summary>
    Repeat,

    /// <summary>A second signal: the process must end at once.</summary>
    EndNow,
}

/// <summary>The shutdown signal. Repeats within one second count as one: timeout(1) signals the process and then its group.</summary>
internal sealed class ShutdownSignal(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource source = new();
    private readonly Lock gate = new();
    private long? firstAt;

    public CancellationToken Token => source.Token;

    /// <summary>Called for each signal; the first one cancels the token.</summary>
    public ShutdownRequest Request()
    {
        lock (gate)
        {
            if (firstAt is { } first)
                return time.GetElapsedTime(first) >= RepeatInterval ? ShutdownRequest.EndNow : ShutdownRequest.Repeat;
            firstAt = time.GetTimestamp();
        }

        source.Cancel();
        return ShutdownRequest.First;
    }

    public void Dispose() => source.Dispose();
}
