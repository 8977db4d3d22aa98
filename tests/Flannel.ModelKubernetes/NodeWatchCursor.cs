using System.Globalization;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>The position of one watch of nodes.</summary>
public sealed class NodeWatchCursor
{
    private readonly KubeServerModel server;
    private readonly string? name;
    private readonly int generation;
    private readonly long begin;
    private readonly List<KubeNodeEvent> initial = [];
    private long next;
    private TimeSpan nextBookmark;

    internal NodeWatchCursor(KubeServerModel server, string? name, string resourceVersion)
    {
        (this.server, this.name, generation, begin) = (server, name, server.Generation, server.Time.GetTimestamp());
        nextBookmark = server.BookmarkInterval;
        if (resourceVersion is "" or "0")
        {
            initial.AddRange(server.ListNodes(new NodeListRequest(name) { ResourceVersion = "0" }).Nodes
                .Select(node => new KubeNodeEvent.Changed(node)));
            next = server.Store.CacheRevision + 1;
            return;
        }

        // The API server responds with 500.
        if (!long.TryParse(resourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var after))
            throw new KubeException(KubeErrorKind.Unavailable, $"watch nodes: invalid resource version {resourceVersion}");
        if (server.Store.IsExpired(after))
            throw new KubeException(KubeErrorKind.Expired, $"watch nodes: too old resource version: {resourceVersion}");
        next = after + 1;
    }

    /// <summary>The server ended the watch: no event follows.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>The time until the next bookmark or the end of the watch.</summary>
    public TimeSpan NextDue
    {
        get
        {
            var due = (nextBookmark < server.WatchTime ? nextBookmark : server.WatchTime) - server.Time.GetElapsedTime(begin);
            return due > TimeSpan.Zero ? due : TimeSpan.Zero;
        }
    }

    /// <summary>The events since the last call; may be empty.</summary>
    /// <exception cref="KubeException">The connection broke.</exception>
    public IReadOnlyList<KubeNodeEvent> Take() => server.Locked(() =>
    {
        if (server.Generation != generation || !server.IsAvailable)
            throw new KubeException(KubeErrorKind.Unavailable, "watch nodes: the connection broke");
        List<KubeNodeEvent> events = [.. initial];
        initial.Clear();
        foreach (var change in server.Store.Since(next))
        {
            if (name is null || change.Name == name) events.Add(change.ToEvent());
            next = change.Revision + 1;
        }

        var elapsed = server.Time.GetElapsedTime(begin);
        if (elapsed >= nextBookmark)
        {
            nextBookmark = elapsed + server.BookmarkInterval;
            // A watch from a future revision receives no bookmark before it.
            if (server.Store.CacheRevision >= next - 1)
                events.Add(new KubeNodeEvent.Bookmark(NodeStatusMerge.Text(server.Store.CacheRevision)));
        }

        IsEnded = elapsed >= server.WatchTime;
        return (IReadOnlyList<KubeNodeEvent>)events;
    });
}
