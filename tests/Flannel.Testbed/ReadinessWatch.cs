using System.Collections.Concurrent;

namespace Flannel.Testbed;

/// <summary>Asks nodes for their readiness again and again, and remembers who was not ready.</summary>
public sealed class ReadinessWatch : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<string, int> _notReady = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;
    private int _rounds;

    public ReadinessWatch(IReadOnlyList<ClusterNode> nodes) => _watching = WatchAsync(nodes);

    /// <summary>How often all were asked.</summary>
    public int Rounds => _rounds;

    /// <summary>The nodes that were not ready at some moment, with how often.</summary>
    public IReadOnlyDictionary<string, int> NotReady => _notReady;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(IReadOnlyList<ClusterNode> nodes)
    {
        while (true)
        {
            foreach (var node in nodes)
            {
                if (!await node.IsReadyAsync(_stop.Token).ConfigureAwait(false))
                {
                    _notReady.AddOrUpdate(node.Name, 1, (_, count) => count + 1);
                }
            }
            Interlocked.Increment(ref _rounds);
            await Task.Delay(s_pause, _stop.Token).ConfigureAwait(false);
        }
    }
}
