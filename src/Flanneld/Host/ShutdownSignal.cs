using Flannel.Etcd.Client;

namespace Flanneld.Host;

/// <summary>The wish to stop, however often it is said.</summary>
internal sealed class ShutdownSignal(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan SameWish = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource source = new();
    private readonly Lock gate = new();
    private long? firstAt;

    public CancellationToken Token => source.Token;

    /// <param name="first">True for the one that begins the end.</param>
    /// <returns>False when the end in good order takes somebody too long: the process is to end now.</returns>
    public bool Ask(out bool first)
    {
        lock (gate)
        {
            first = firstAt is null;
            firstAt ??= time.GetTimestamp();
            if (!first && time.GetElapsedTime(firstAt.Value) >= SameWish) return false;
        }

        if (first) source.Cancel();
        return true;
    }

    public void Dispose() => source.Dispose();
}
