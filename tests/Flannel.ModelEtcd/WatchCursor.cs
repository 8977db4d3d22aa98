using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Model;

/// <summary>The position of one watch stream on the store.</summary>
public sealed class WatchCursor
{
    // The server may assign the ids, as etcd's grpc-proxy does: clients cannot rely on them.
    private const long FirstId = 1000;

    private readonly EtcdStore store;
    private readonly IReadOnlyList<WatchCreateRequest> ranges;
    private readonly long[] next;
    private readonly int generation;

    internal WatchCursor(EtcdStore store, IReadOnlyList<WatchCreateRequest> ranges)
    {
        this.store = store;
        this.ranges = ranges;
        generation = store.Generation;
        next = [.. ranges.Select(range => range.StartRevision == 0 ? store.Revision + 1 : range.StartRevision)];
        Created = [.. ranges.Select((_, i) => new WatchResponse { Header = store.Header(), WatchId = FirstId - i, Created = true })];
    }

    public IReadOnlyList<WatchResponse> Created { get; }

    /// <summary>The events since the last call; may be empty.</summary>
    /// <exception cref="EtcdException">The stream cannot continue.</exception>
    public IReadOnlyList<WatchResponse> Take()
    {
        if (store.Generation != generation) throw new EtcdException(EtcdErrorKind.Unavailable, "the stream broke", false);
        var responses = new List<WatchResponse>();
        for (var i = 0; i < ranges.Count; i++)
        {
            if (next[i] < store.CompactedAt)
                throw new EtcdException(EtcdErrorKind.Compacted, "etcdserver: mvcc: required revision has been compacted", false);
            var events = store.Since(next[i]).Where(change => KeySpace.Contains(change.Key, ranges[i].Key, ranges[i].RangeEnd))
                .Select(change => change.ToEvent()).ToList();
            if (events.Count > 0) responses.Add(new WatchResponse { Header = store.Header(), WatchId = FirstId - i, Events = { events } });
            // A future revision is waited for.
            next[i] = Math.Max(next[i], store.Revision + 1);
        }

        return responses;
    }
}
