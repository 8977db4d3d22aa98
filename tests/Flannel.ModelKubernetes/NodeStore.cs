using System.Globalization;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>One change of one node.</summary>
/// <param name="Before">Null for a creation.</param>
/// <param name="After">Null for a deletion.</param>
internal sealed record NodeChange(long Revision, KubeNode? Before, KubeNode? After)
{
    public string Name => (After ?? Before)!.Name;

    public KubeNodeEvent ToEvent() => After is { } node
        ? new KubeNodeEvent.Changed(node)
        : new KubeNodeEvent.Deleted(Before! with { ResourceVersion = NodeStatusMerge.Text(Revision) });
}

/// <summary>The nodes with their history: what etcd has, and what the watch cache of the API server has.</summary>
internal sealed class NodeStore
{
    private const char TokenSeparator = '/';

    private SortedDictionary<string, KubeNode> nodes = new(StringComparer.Ordinal);
    private List<NodeChange> history = [];

    // The revision at which the watch cache was filled: it has the events after it.
    private long cacheBegin = 1;
    private long? frozenAt;

    public IReadOnlyList<KubeNode> All => [.. nodes.Values];

    /// <summary>The revision to which etcd's history is compacted.</summary>
    public long CompactedAt { get; private set; } = 1;

    /// <summary>What the watch cache knows: the revision of its last event.</summary>
    public long CacheRevision => frozenAt ?? Math.Max(cacheBegin, history.Count == 0 ? 0 : history[^1].Revision);

    public KubeNode? Find(string name) => nodes.GetValueOrDefault(name);

    public void Write(long revision, string name, KubeNode? node)
    {
        var before = Find(name);
        var after = node is null ? null : node with { ResourceVersion = NodeStatusMerge.Text(revision) };
        if (after is null) nodes.Remove(name);
        else nodes[name] = after;
        history.Add(new NodeChange(revision, before, after));
    }

    /// <param name="revision">The present revision of etcd.</param>
    /// <param name="staleBy">The number of last events that the cache of the API server lacks that serves the list.</param>
    public KubeNodeList List(NodeListRequest request, long revision, int staleBy)
    {
        if (request.Continue is { } token) return Page(request, revision, token);
        if (request.ResourceVersion is null or "") return Page(request, revision, token: null);
        if (request.IsExact) return ListAt(request, revision);
        if (request.ResourceVersion != "0") throw new NotSupportedException($"a list at {request.ResourceVersion}");
        var at = CacheRevision;
        if (staleBy > 0)
        {
            var seen = history.Where(change => change.Revision > cacheBegin && change.Revision <= at).ToList();
            at = seen.Count > staleBy ? seen[^(staleBy + 1)].Revision : cacheBegin;
        }

        return new KubeNodeList([.. Select(At(at), request.Name)], NodeStatusMerge.Text(at), null);
    }

    /// <summary>The events of the watch cache from a revision on.</summary>
    public IEnumerable<NodeChange> Since(long revision)
    {
        var first = history.Count;
        while (first > 0 && history[first - 1].Revision >= revision) first--;
        return history.Skip(first).TakeWhile(change => change.Revision <= CacheRevision);
    }

    /// <summary>Whether the watch cache lacks events after a revision.</summary>
    public bool IsExpired(long revision) => revision < cacheBegin;

    public void Freeze() => frozenAt ??= CacheRevision;

    public void Thaw() => frozenAt = null;

    /// <summary>Compacts etcd's history. A list that began before it cannot continue.</summary>
    public void Compact(long revision) => CompactedAt = revision;

    /// <summary>The watch cache drops its events.</summary>
    public void EmptyCache(long revision) => (cacheBegin, frozenAt) = (revision, null);

    public NodeStore Copy() => new()
    {
        nodes = new SortedDictionary<string, KubeNode>(nodes, StringComparer.Ordinal),
        history = [.. history],
        cacheBegin = cacheBegin,
        CompactedAt = CompactedAt,
    };

    private KubeNodeList ListAt(NodeListRequest request, long revision)
    {
        if (!long.TryParse(request.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var at))
            throw new KubeException(KubeErrorKind.Invalid, "list nodes: resourceVersion: Invalid value");
        if (at < CompactedAt)
            throw new KubeException(KubeErrorKind.Expired, "list nodes: The resourceVersion for the provided list is too old");
        if (at > revision) throw new KubeException(KubeErrorKind.Unavailable, "list nodes: required revision is a future revision");
        return Page(request, at, token: null);
    }

    private static IEnumerable<KubeNode> Select(SortedDictionary<string, KubeNode> from, string? name) =>
        from.Values.Where(node => name is null || node.Name == name);

    /// <param name="token">The revision of the first page and the last name of the page before; null for the first page.</param>
    private KubeNodeList Page(NodeListRequest request, long revision, string? token)
    {
        var after = "";
        if (token is not null)
        {
            var parts = token.Split(TokenSeparator);
            if (parts.Length != 2 || !long.TryParse(parts[0], CultureInfo.InvariantCulture, out revision))
                throw new KubeException(KubeErrorKind.Invalid, "list nodes: continue key is not valid");
            after = parts[1];
            if (revision < CompactedAt)
            {
                throw new KubeException(
                    KubeErrorKind.Expired, "list nodes: The provided continue parameter is too old to display a consistent list result");
            }
        }

        var rest = Select(At(revision), request.Name).Where(node => string.CompareOrdinal(node.Name, after) > 0).ToList();
        List<KubeNode> page = request.Limit > 0 ? [.. rest.Take(request.Limit)] : rest;
        var next = page.Count < rest.Count ? $"{NodeStatusMerge.Text(revision)}{TokenSeparator}{page[^1].Name}" : null;
        return new KubeNodeList(page, NodeStatusMerge.Text(revision), next);
    }

    private SortedDictionary<string, KubeNode> At(long revision)
    {
        if (history.Count == 0 || history[^1].Revision <= revision) return nodes;
        var then = new SortedDictionary<string, KubeNode>(nodes, StringComparer.Ordinal);
        for (var i = history.Count - 1; i >= 0 && history[i].Revision > revision; i--)
        {
            if (history[i].Before is { } before) then[before.Name] = before;
            else then.Remove(history[i].Name);
        }

        return then;
    }
}
