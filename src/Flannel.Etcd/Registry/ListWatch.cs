using Etcdserverpb;
using Flannel.Etcd.Client;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Lists a range of keys, then watches it; lists it again after each interruption of the watch.</summary>
internal sealed class ListWatch(EtcdContext context)
{
    private readonly EtcdRetryPolicy retryPolicy = context.NewRetryPolicy();

    /// <summary>Runs until it is cancelled. No failure of etcd ends it.</summary>
    /// <param name="list">Returns etcd's revision of the list.</param>
    /// <param name="range">The watch from a revision.</param>
    /// <param name="apply">Receives the events after the list, in order.</param>
    public async Task RunAsync(
        Func<CancellationToken, Task<long>> list, Func<long, WatchCreateRequest> range, Action<IList<Event>> apply,
        CancellationToken cancellation)
    {
        long? next = null;
        while (true)
        {
            next ??= await retryPolicy.RetryAsync(list, retryRejected: true, cancellation) + 1;
            try
            {
                await foreach (var response in context.Etcd.WatchAsync([range(next.Value)], cancellation))
                {
                    // etcd was restored from a snapshot, or this member lags behind: in both cases the keys are listed again.
                    if (response.Created && response.Header.Revision < next - 1)
                        throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
                    if (response.Events.Count == 0) continue;
                    apply(response.Events);
                    // A fragment may end in the middle of a revision.
                    next = response.Events[^1].Kv.ModRevision + (response.Fragment ? 0 : 1);
                }
            }
            catch (EtcdException e)
            {
                if (e.Kind == EtcdErrorKind.Compacted) EtcdLog.Relisting(context.Logger, next.Value);
                // The keys are listed again after any failure: without a watch, etcd may have been restored from a snapshot, and may have
                // assigned the later revisions again. Its responses do not distinguish that history from the one before.
                next = null;
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }
}
