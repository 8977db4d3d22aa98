using System.Collections.Concurrent;

namespace Flannel.Testbed;

/// <summary>Polls the readiness of nodes and records those that were not ready.</summary>
public sealed class ReadinessPoller : IAsyncDisposable
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<string, int> notReady = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task polling;
    private int rounds;

    public ReadinessPoller(IReadOnlyList<ClusterNode> nodes) => polling = PollAsync(nodes);

    /// <summary>The number of completed rounds over all nodes.</summary>
    public int Rounds => rounds;

    /// <summary>How often each node was not ready; nodes that were always ready are absent.</summary>
    public IReadOnlyDictionary<string, int> NotReady => notReady;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task PollAsync(IReadOnlyList<ClusterNode> nodes)
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
            await Task.Delay(interval, stop.Token);
        }
    }
}
