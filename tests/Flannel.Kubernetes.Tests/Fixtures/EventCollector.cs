using System.Collections.Concurrent;
using Flannel.Core;

namespace Flannel.Kubernetes.Tests.Fixtures;

/// <summary>Reads a stream in the background and keeps its items.</summary>
public sealed class EventCollector<T> : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentQueue<T> items = [];

    public EventCollector(Func<CancellationToken, IAsyncEnumerable<T>> read) => Ended = ReadAsync(read);

    /// <summary>Completes when the stream ends.</summary>
    public Task Ended { get; }

    public IReadOnlyList<T> Items => [.. items];

    public TItem? Last<TItem>() where TItem : class, T => Items.OfType<TItem>().LastOrDefault();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Ended.ConfigureAwait(TaskWait.IgnoringFailure);
        stop.Dispose();
    }

    private async Task ReadAsync(Func<CancellationToken, IAsyncEnumerable<T>> read)
    {
        await foreach (var item in read(stop.Token)) items.Enqueue(item);
    }
}
