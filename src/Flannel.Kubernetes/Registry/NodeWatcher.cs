using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Receives what a <see cref="NodeWatcher"/> reads, in order. A method that throws <see cref="KubeException"/> makes the watcher
/// list again after a pause.</summary>
internal interface INodeObserver
{
    /// <summary>All nodes of a new list. What the list before it had and this one has not, was deleted at an unknown time, or the API
    /// server was restored from a backup.</summary>
    Task ListedAsync(NodeListing listing, CancellationToken cancellation);

    /// <summary>A node was changed or deleted after the list.</summary>
    Task ChangedAsync(KubeNodeEvent change, CancellationToken cancellation);

    /// <summary>A request failed, and is repeated.</summary>
    void Failed(KubeException failure)
    {
    }
}

/// <summary>A complete list.</summary>
/// <param name="IsRestored">True if it is older than what was read before, although etcd was read: the API server was restored from a
/// backup.</param>
internal sealed record NodeListing(IReadOnlyList<KubeNode> Nodes, string ResourceVersion, bool IsRestored);

/// <summary>Lists nodes, then watches them; lists them again after each interruption.</summary>
/// <remarks>
/// <para>The list comes from the API server's cache, without a read from etcd. The cache may be older than what this process has read
/// already, from another API server or from its own write: then the list is read from etcd.</para>
/// <para>An API server ends a watch after some minutes. The watch then continues where it ended: bookmarks keep its version new, and no
/// event is lost. There is no list every five minutes. The resync of upstream's informer (<c>pkg/subnet/kube/kube.go</c>,
/// <c>resyncPeriod</c>) sends none either: it repeats the content of its cache. Before the watch continues, one read from etcd makes sure
/// that the API server was not restored from a backup meanwhile: a watch from a version that is assigned a second time would miss events.
/// After a broken watch the nodes are always listed again.</para>
/// </remarks>
/// <param name="name">The only node to watch; null for all.</param>
internal sealed class NodeWatcher(KubeContext context, string? name)
{
    // A watch that the server ends at once must not become a busy loop.
    private static readonly TimeSpan ShortWatch = TimeSpan.FromSeconds(30);

    private readonly KubeRetryPolicy retryPolicy = context.NewRetryPolicy();
    private string? lastRead;

    /// <summary>Another reader's newest version, which a list must not be older than; null for none.</summary>
    public Func<string?>? NewestKnown { get; init; }

    /// <summary>Called with each version up to which the observer knows the nodes.</summary>
    public Action<string>? OnRead { get; init; }

    /// <summary>Runs until it is cancelled. No failure of the API server ends it.</summary>
    public async Task RunAsync(INodeObserver observer, CancellationToken cancellation)
    {
        var isListed = false;
        while (true)
        {
            try
            {
                if (!isListed) await ListAsync(observer, cancellation);
                isListed = true;
                context.Availability.ReportSuccess();
                var begin = context.Time.GetTimestamp();
                await WatchAsync(observer, cancellation);
                if (context.Time.GetElapsedTime(begin) < ShortWatch) await retryPolicy.PauseAsync(retryAfter: null, cancellation);
                isListed = !await IsRestoredAsync(cancellation);
            }
            catch (KubeException e)
            {
                if (e.Kind == KubeErrorKind.Expired) KubeLog.Relisting(context.Logger, lastRead ?? "");
                else observer.Failed(e);
                isListed = false;
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    private async Task ListAsync(INodeObserver observer, CancellationToken cancellation)
    {
        var known = ResourceVersion.Max(lastRead, NewestKnown?.Invoke());
        var listing = await ReadAsync(ResourceVersion.Any, known, cancellation);
        if (listing.IsRestored)
        {
            listing = await ReadAsync(null, known, cancellation);
            if (listing.IsRestored) KubeLog.Restored(context.Logger, listing.ResourceVersion, known ?? "");
        }

        await observer.ListedAsync(listing, cancellation);
        SetRead(listing.ResourceVersion);
    }

    /// <param name="known">The version that the list should have at least; null for any.</param>
    private async Task<NodeListing> ReadAsync(string? version, string? known, CancellationToken cancellation)
    {
        var nodes = await NodeList.ReadAsync(context.Api, new NodeListRequest(name) { ResourceVersion = version }, cancellation);
        return new NodeListing(nodes.Nodes, nodes.ResourceVersion, ResourceVersion.IsOlder(nodes.ResourceVersion, known));
    }

    private async Task WatchAsync(INodeObserver observer, CancellationToken cancellation)
    {
        await foreach (var change in context.Api.WatchNodesAsync(name, lastRead!, cancellation))
        {
            if (change is not KubeNodeEvent.Bookmark) await observer.ChangedAsync(change, cancellation);
            SetRead(change.ResourceVersion);
        }
    }

    private void SetRead(string version)
    {
        lastRead = version;
        OnRead?.Invoke(version);
    }

    private async Task<bool> IsRestoredAsync(CancellationToken cancellation)
    {
        var newest = await context.Api.ListNodesAsync(new NodeListRequest(name) { Limit = 1 }, cancellation);
        return ResourceVersion.IsOlder(newest.ResourceVersion, lastRead);
    }
}
