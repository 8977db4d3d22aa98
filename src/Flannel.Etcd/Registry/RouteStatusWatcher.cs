using System.Runtime.CompilerServices;
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
    private const int PageSize = 4096;

    private readonly string prefix = context.Keys.Routes;
    private readonly ListWatch watch = new(context);
    private readonly Lock gate = new();
    private readonly ObservableValue<long> generation = new(0);
    private Dictionary<string, PublishedRouteStatus> found = new(StringComparer.Ordinal);

    public async IAsyncEnumerable<RouteStatusSnapshot> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = watch.RunAsync(ListAsync, Range, Apply, ending.Token);
        try
        {
            for (long seen = 0; ;)
            {
                var changed = generation.Changed;
                if (generation.Current == seen)
                {
                    // The watch ends only by cancellation or by an internal error, which must not be lost.
                    await await Task.WhenAny(
                        watching, TaskWait.WaitAsync(changed, Timeout.InfiniteTimeSpan, context.Time, ending.Token));
                    continue;
                }

                var snapshot = BuildSnapshot();
                seen = snapshot.Generation;
                yield return snapshot;
            }
        }
        finally
        {
            ending.Cancel();
            await watching.ConfigureAwait(TaskWait.IgnoringFailure);
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
        var request = new RangeRequest
        {
            Key = ByteString.CopyFromUtf8(prefix),
            RangeEnd = EtcdKeys.EndOf(prefix),
            Limit = PageSize,
        };
        while (true)
        {
            var page = await context.Etcd.RangeAsync(request, cancellation);
            if (request.Revision == 0) request.Revision = page.Header.Revision;
            foreach (var pair in page.Kvs) Set(listed, pair);
            if (!page.More) break;
            request.Key = EtcdKeys.After(page.Kvs[^1].Key);
        }

        lock (gate)
        {
            found = listed;
            generation.Set(generation.Current + 1);
        }

        return request.Revision;
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
        if (RouteStatus.Parse(pair.Value.Span) is { } status) statuses[key] = new(status, pair.Lease, pair.ModRevision);
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
