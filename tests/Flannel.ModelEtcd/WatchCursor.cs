using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Model;

/// <summary>One watch stream on the store: what it has heard so far.</summary>
public sealed class WatchCursor
{
    // A server may choose the ids, and etcd's grpc-proxy does: nothing can be told by them.
    private const long FirstId = 1000;

    private readonly EtcdStore store;
    private readonly IReadOnlyList<WatchCreateRequest> ranges;
    private readonly long[] next;
    private readonly int born;

    internal WatchCursor(EtcdStore store, IReadOnlyList<WatchCreateRequest> ranges)
    {
        this.store = store;
        this.ranges = ranges;
        born = store.Generation;
        next = [.. ranges.Select(range => range.StartRevision == 0 ? store.Revision + 1 : range.StartRevision)];
        Created = [.. ranges.Select((_, i) => new WatchResponse { Header = store.Header(), WatchId = FirstId - i, Created = true })];
    }

    public IReadOnlyList<WatchResponse> Created { get; }

    /// <summary>What has happened since it was last asked; nothing is an answer, too.</summary>
    /// <exception cref="EtcdException">The stream cannot go on.</exception>
    public IReadOnlyList<WatchResponse> Take()
    {
        if (store.Generation != born) throw new EtcdException(EtcdErrorKind.Unavailable, "the stream broke", false);
        var answers = new List<WatchResponse>();
        for (var i = 0; i < ranges.Count; i++)
        {
            if (next[i] < store.CompactedAt)
                throw new EtcdException(EtcdErrorKind.Compacted, "etcdserver: mvcc: required revision has been compacted", false);
            var events = store.Since(next[i]).Where(change => KeySpace.Contains(change.Key, ranges[i].Key, ranges[i].RangeEnd))
                .Select(change => change.ToEvent()).ToList();
            if (events.Count > 0) answers.Add(new WatchResponse { Header = store.Header(), WatchId = FirstId - i, Events = { events } });
            // A revision that is still to come is waited for.
            next[i] = Math.Max(next[i], store.Revision + 1);
        }

        return answers;
    }
}
