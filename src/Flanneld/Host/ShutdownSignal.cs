namespace Flanneld.Host;

/// <summary>The shutdown signal. Repeats within one second count as one: timeout(1) signals the process and then its group.</summary>
internal sealed class ShutdownSignal(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource source = new();
    private readonly Lock gate = new();
    private long? firstAt;

    public CancellationToken Token => source.Token;

    /// <summary>Called for each signal; the first one cancels the token.</summary>
    /// <param name="first">True for the first signal.</param>
    /// <returns>False when the process must end at once: a second signal asks for it.</returns>
    public bool Request(out bool first)
    {
        lock (gate)
        {
            first = firstAt is null;
            firstAt ??= time.GetTimestamp();
            if (!first && time.GetElapsedTime(firstAt.Value) >= RepeatInterval) return false;
        }

        if (first) source.Cancel();
        return true;
    }

    public void Dispose() => source.Dispose();
}
