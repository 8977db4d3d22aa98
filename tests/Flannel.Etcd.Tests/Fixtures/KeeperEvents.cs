using Flannel.Core.Leases;
using Flannel.Etcd.Registry;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>Reads the events of a <see cref="LeaseKeeper"/>.</summary>
public sealed class KeeperEvents : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly List<LeaseEvent> seen = [];
    private readonly Task reading;
    private int read;

    internal KeeperEvents(LeaseKeeper keeper)
    {
        reading = Task.Run(async () =>
        {
            await foreach (var e in keeper.HoldAsync(stop.Token))
            {
                lock (seen) seen.Add(e);
            }
        });
    }

    public IReadOnlyList<LeaseEvent> Seen
    {
        get
        {
            lock (seen) return [.. seen];
        }
    }

    /// <summary>The next event of this kind; those before it are skipped.</summary>
    public async Task<T> NextAsync<T>()
        where T : LeaseEvent
    {
        T? found = null;
        await Eventually.IsAsync(() => $"{typeof(T).Name} after {string.Join(", ", Seen)}", () =>
        {
            lock (seen)
            {
                while (read < seen.Count && found is null) found = seen[read++] as T;
                return Task.FromResult(found is not null || (reading.IsCompleted && read == seen.Count));
            }
        });
        Assert.True(found is not null, $"the keeper ended without {typeof(T).Name}: {string.Join(", ", Seen)} {reading.Exception}");
        return found;
    }

    public Task EndAsync() => Eventually.WithinAsync("the keeper ends", reading);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }
}
