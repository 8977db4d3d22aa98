using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Node;

/// <summary>Reads the events of a lease for a caller that does other work while it waits for the next one. An iterator must not be disposed
/// while its next item is awaited; a shutdown may come during the caller's other work.</summary>
internal sealed class LeaseEventReader : IAsyncDisposable
{
    private readonly CancellationTokenSource ending;
    private readonly IAsyncEnumerator<LeaseEvent> events;
    private Task<bool> next = Task.FromResult(false);

    public LeaseEventReader(Func<CancellationToken, IAsyncEnumerable<LeaseEvent>> read, CancellationToken cancellation)
    {
        ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        events = read(ending.Token).GetAsyncEnumerator(CancellationToken.None);
    }

    public LeaseEvent Current => events.Current;

    /// <summary>Must not be called again before the returned task has completed.</summary>
    public Task<bool> MoveNextAsync() => next = events.MoveNextAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        ending.Cancel();
        await ((Task)next).ConfigureAwait(TaskWait.IgnoringFailure);
        await events.DisposeAsync();
        ending.Dispose();
    }
}
