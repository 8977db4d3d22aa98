using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>What a watch has read from each node. Thread-safe.</summary>
/// <param name="read">Null for a node without a value. A value that equals the former one is no change, as after a write of the
/// kubelet.</param>
internal sealed class NodeTable<T>(TimeProvider time, Func<KubeNode, T?> read) : INodeObserver where T : class
{
    private readonly Lock gate = new();
    private readonly ObservableValue<long> generation = new(0);
    private Dictionary<string, T> found = new(StringComparer.Ordinal);
    private long listings;
    private long revision;

    /// <summary>Counts the changes of the values, and of what <see cref="MarkChanged"/> reports.</summary>
    public long Generation => generation.Current;

    public Task ListedAsync(NodeListing listing, CancellationToken cancellation)
    {
        lock (gate)
        {
            var listed = new Dictionary<string, T>(StringComparer.Ordinal);
            foreach (var node in listing.Nodes)
            {
                if (ReadOrKeep(node) is { } value) listed[node.Name] = value;
            }

            found = listed;
            revision = ResourceVersion.Parse(listing.ResourceVersion);
            listings++;
            generation.Set(generation.Current + 1);
        }

        return Task.CompletedTask;
    }

    public Task ChangedAsync(KubeNodeEvent change, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (!Apply(change)) return Task.CompletedTask;
            revision = ResourceVersion.Parse(change.ResourceVersion);
            generation.Set(generation.Current + 1);
        }

        return Task.CompletedTask;
    }

    /// <summary>Something else that belongs to the snapshot has changed.</summary>
    public void MarkChanged()
    {
        lock (gate) generation.Set(generation.Current + 1);
    }

    /// <summary>The newest content; waits for the first list.</summary>
    public async ValueTask<NodeTableContent<T>> CurrentAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (listings > 0) return new NodeTableContent<T>([.. found.Values], revision, generation.Current, listings);
                wait = generation.Changed;
            }

            await TaskWait.WaitAsync(wait, Timeout.InfiniteTimeSpan, time, cancellation);
        }
    }

    /// <summary>Returns when <see cref="Generation"/> is larger than this one.</summary>
    public async Task ChangedAfterAsync(long seen, CancellationToken cancellation)
    {
        while (true)
        {
            var wait = generation.Changed;
            if (generation.Current > seen) return;
            await TaskWait.WaitAsync(wait, Timeout.InfiniteTimeSpan, time, cancellation);
        }
    }

    private bool Apply(KubeNodeEvent change)
    {
        if (change is KubeNodeEvent.Deleted deleted) return found.Remove(deleted.Node.Name);
        if (change is not KubeNodeEvent.Changed { Node: var node }) return false;
        var before = found.GetValueOrDefault(node.Name);
        var now = ReadOrKeep(node);
        if (ReferenceEquals(now, before)) return false;
        if (now is null) found.Remove(node.Name);
        else found[node.Name] = now;
        return true;
    }

    /// <summary>The same object while the value is equal: readers parse each value once.</summary>
    private T? ReadOrKeep(KubeNode node)
    {
        var now = read(node);
        return now is not null && found.TryGetValue(node.Name, out var before) && before.Equals(now) ? before : now;
    }
}

/// <summary>The content of a <see cref="NodeTable{T}"/> at one time. Immutable.</summary>
/// <param name="Revision">The resource version as a number.</param>
/// <param name="Listing">Counts the lists.</param>
internal sealed record NodeTableContent<T>(IReadOnlyList<T> Values, long Revision, long Generation, long Listing);
