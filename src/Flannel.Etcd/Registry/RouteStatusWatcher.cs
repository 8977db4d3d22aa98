using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Watches the route statuses of all nodes. One reader.</summary>
internal sealed class RouteStatusWatcher(EtcdContext context)
{
    private readonly string prefix = context.Keys.Routes;
    private readonly ListWatch watch = new(context);
    private readonly Lock gate = new();
    private readonly ObservableValue<long> generation = new(0);
    private Dictionary<string, PublishedRouteStatus> found = new(StringComparer.Ordinal);

    /// <summary>Runs while the snapshots are read, and returns each newest one.</summary>
    public IAsyncEnumerable<RouteStatusSnapshot> WatchAsync(CancellationToken cancellation)
    {
        long seen = 0;
        return SnapshotStream.FollowAsync(stop => watch.RunAsync(ListAsync, Range, Apply, stop), NextAsync, cancellation);

        async Task<RouteStatusSnapshot> NextAsync(CancellationToken stop)
        {
            while (true)
            {
                var changed = generation.Changed;
                if (generation.Current != seen) break;
                await TaskWait.WaitAsync(changed, Timeout.InfiniteTimeSpan, context.Time, stop);
            }

            var newest = BuildSnapshot();
            seen = newest.Generation;
            return newest;
        }
    }

    private WatchCreateRequest Range(long fromRevision) => new()
    {
        Key = ByteString.CopyFromUtf8(prefix),
        RangeEnd = EtcdKeys.EndOf(prefix),
        StartRevision = fromRevision,
    };

    /// <returns>The revision of the first page, at which the other pages are read, too.</returns>
    private async Task<long> ListAsync(CancellationToken cancellation)
    {
        var listed = new Dictionary<string, PublishedRouteStatus>(StringComparer.Ordinal);
        var request = new RangeRequest { Key = ByteString.CopyFromUtf8(prefix), RangeEnd = EtcdKeys.EndOf(prefix) };
        long? revision = null;
        await foreach (var page in KeyPages.ReadAsync(context.Etcd, request, isOneRevision: true, cancellation))
        {
            revision ??= page.Header.Revision;
            foreach (var pair in page.Kvs) Set(listed, pair);
        }

        lock (gate)
        {
            found = listed;
            generation.Set(generation.Current + 1);
        }

        return revision!.Value;
    }

    private void Apply(IList<Event> events)
    {
        lock (gate)
        {
            foreach (var change in events)
            {
                if (change.Type == Event.Types.EventType.Delete) found.Remove(KeyOf(change.Kv));
                else Set(found, change.Kv);
            }

            generation.Set(generation.Current + 1);
        }
    }

    /// <summary>A status that cannot be read counts as none: the route controller writes it again.</summary>
    private void Set(Dictionary<string, PublishedRouteStatus> statuses, KeyValue pair)
    {
        var key = KeyOf(pair);
        if (RouteStatus.Parse(pair.Value.Span) is { } status) statuses[key] = new EtcdRouteStatus(status, pair.Lease, pair.ModRevision);
        else statuses.Remove(key);
    }

    /// <summary>Built on demand: a thousand changes at once cost one copy, not a thousand.</summary>
    private RouteStatusSnapshot BuildSnapshot()
    {
        lock (gate)
        {
            return new RouteStatusSnapshot(
                new Dictionary<string, PublishedRouteStatus>(found, StringComparer.Ordinal), generation.Current);
        }
    }

    private string KeyOf(KeyValue pair) => pair.Key.ToStringUtf8()[prefix.Length..];
}
