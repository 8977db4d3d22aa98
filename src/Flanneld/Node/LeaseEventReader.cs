using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;

namespace Flanneld.Node;

/// <summary>The events of a lease, for a reader that does other work while it waits for the next one. An iterator must not be disposed of
/// while it is asked for its next item, and a stop may find its reader in the midst of that other work.</summary>
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

    /// <summary>Not to be called again before the task has completed.</summary>
    public Task<bool> MoveNextAsync() => next = events.MoveNextAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        ending.Cancel();
        await ((Task)next).ConfigureAwait(TaskWait.IgnoringFailure);
        await events.DisposeAsync();
        ending.Dispose();
    }
}
