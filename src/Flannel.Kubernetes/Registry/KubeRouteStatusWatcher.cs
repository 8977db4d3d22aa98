using Flannel.Core;
using Flannel.Core.Leases;

namespace Flannel.Kubernetes.Registry;

/// <summary>Watches the route statuses of all Nodes. One reader.</summary>
internal sealed class KubeRouteStatusWatcher(KubeContext context)
{
    private readonly NodeTable<NodeStatus> table = new(context.Time, node => Read(context, node));

    private sealed record NodeStatus(string Key, string Text, PublishedRouteStatus Status)
    {
        /// <summary>Compares the text, because the lists in a status are compared by reference.</summary>
        public bool Equals(NodeStatus? other) => other is not null && Key == other.Key && Text == other.Text && Uid == other.Uid;

        public override int GetHashCode() => HashCode.Combine(Key, Text);

        private string Uid => ((KubeRouteStatus)Status).Uid;
    }

    /// <summary>Runs while the snapshots are read, and returns each newest one.</summary>
    public IAsyncEnumerable<RouteStatusSnapshot> WatchAsync(CancellationToken cancellation)
    {
        long seen = 0;
        return SnapshotStream.FollowAsync(stop => new NodeWatcher(context, name: null).RunAsync(table, stop), NextAsync, cancellation);

        async Task<RouteStatusSnapshot> NextAsync(CancellationToken stop)
        {
            await table.ChangedAfterAsync(seen, stop);
            var content = await table.CurrentAsync(stop);
            seen = content.Generation;
            var statuses = new Dictionary<string, PublishedRouteStatus>(StringComparer.Ordinal);
            foreach (var node in content.Values) statuses[node.Key] = node.Status;
            return new RouteStatusSnapshot(statuses, content.Generation);
        }
    }

    /// <summary>A status that cannot be read counts as none: the route controller writes it again.</summary>
    private static NodeStatus? Read(KubeContext context, Client.Objects.KubeNode node) =>
        KubeRouteStatus.Read(node, context.Annotations) is { } status && PodCidrs.Find(node) is { } key
            ? new NodeStatus(key.ToString(), NodeAnnotations.Text(node, context.Annotations.RouteStatus), status)
            : null;
}
