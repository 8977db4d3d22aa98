using System.Collections.Concurrent;

namespace Flannel.Testbed;

/// <summary>Asks nodes for their readiness again and again, and remembers who was not ready.</summary>
public sealed class ReadinessWatch : IAsyncDisposable
{
    private static readonly TimeSpan pause = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<string, int> notReady = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task watching;
    private int rounds;

    public ReadinessWatch(IReadOnlyList<ClusterNode> nodes) => watching = WatchAsync(nodes);

    /// <summary>How often all were asked.</summary>
    public int Rounds => rounds;

    /// <summary>The nodes that were not ready at some moment, with how often.</summary>
    public IReadOnlyDictionary<string, int> NotReady => notReady;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task WatchAsync(IReadOnlyList<ClusterNode> nodes)
    {
        while (true)
        {
            foreach (var node in nodes)
            {
                if (!await node.IsReadyAsync(stop.Token))
                {
                    notReady.AddOrUpdate(node.Name, 1, (_, count) => count + 1);
                }
            }
            Interlocked.Increment(ref rounds);
            await Task.Delay(pause, stop.Token);
        }
    }
}
