using System.Collections.Concurrent;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Controller;

/// <summary>The route status of each node: an annotation, the condition <c>NetworkUnavailable</c> and Events of its Node. Annotation and
/// condition are deleted with the Node. Written only during a term.</summary>
public sealed class KubeStatusStore : IRouteStatusStore
{
    // The API server limits the requests of an account that are executed at the same time.
    private const int ConcurrentNodes = 16;

    private readonly KubeControllerContext context;
    private readonly ControllerApi api;
    private readonly TermFence fence;
    private readonly bool setsCondition;
    private readonly RouteEvents events;
    private readonly string annotation;

    internal KubeStatusStore(KubeControllerContext context, TermFence fence)
    {
        this.context = context;
        this.fence = fence;
        setsCondition = context.SetsNetworkUnavailable;
        api = context.Api;
        annotation = context.Kube.Annotations.RouteStatus;
        events = new RouteEvents(api, fence, context.Time, context.Random);
    }

    /// <summary>All statuses, by the text of their subnet's key. One that the controller must write again is left out: one that cannot be
    /// read, and one that the condition of its Node contradicts.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public async Task<IReadOnlyDictionary<string, RouteStatus>> ReadAllAsync(CancellationToken cancellation)
    {
        var statuses = new Dictionary<string, RouteStatus>(StringComparer.Ordinal);
        foreach (var node in await api.ListNodesAsync(cancellation))
        {
            if (PodCidrs.Parse(node) is not { Ok: true, Value: var key } || !node.Annotations.ContainsKey(annotation)) continue;
            if (StatusOf(node) is not { } status) KubeControllerLog.UnreadableStatus(context.Logger, node.Name);
            else if (FindConditionChange(node, status) is null) statuses[key.ToString()] = status;
        }

        return statuses;
    }

    /// <summary>Writes statuses, with one read and at most one patch for each. One whose Node is deleted, or was created again, is skipped.
    /// One that the API server rejects does not prevent the others from being written.</summary>
    /// <exception cref="KubeException">The API server is unavailable. Can be repeated.</exception>
    public async Task<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> statuses, CancellationToken cancellation)
    {
        var batch = new Publication(statuses);
        var workers = Math.Min(ConcurrentNodes, statuses.Count);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => PublishNextAsync(batch, cancellation)));
        }
        finally
        {
            // Also after a failure: a repetition finds these statuses unchanged, and sends no Event about them.
            await events.SendAsync([.. batch.Changes], cancellation);
        }

        return new StatusPublishResult(!batch.IsTermOver, [.. batch.Rejected]);
    }

    /// <summary>Deletes the statuses of Nodes that flannel does not use any more.</summary>
    /// <param name="subnetKeys">As text, from <see cref="ReadAllAsync"/>. One whose Node flannel uses is kept.</param>
    /// <returns>False if the term is over.</returns>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public async Task<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation)
    {
        foreach (var node in await api.ListNodesAsync(cancellation))
        {
            if (!node.Annotations.ContainsKey(annotation) || context.Kube.Annotations.IsManaged(node)) continue;
            if (PodCidrs.Parse(node) is not { Ok: true, Value: var key } || !subnetKeys.Contains(key.ToString())) continue;
            var patch = new NodeStatusPatch { Annotations = new Dictionary<string, string?> { [annotation] = null }, Uid = node.Uid };
            if (await PatchAsync(node, patch, cancellation) == NodeWriteResult.TermOver) return false;
        }

        return fence.IsHeld;
    }

    private async Task PublishNextAsync(Publication batch, CancellationToken cancellation)
    {
        while (!batch.IsTermOver && batch.Remaining.TryDequeue(out var update))
        {
            try
            {
                if (await PublishAsync(update, batch, cancellation) == NodeWriteResult.TermOver) batch.IsTermOver = true;
            }
            catch (KubeException e) when (!e.CanRecover)
            {
                batch.Rejected.Add(update.Lease.Key.ToString());
            }
        }
    }

    private async Task<NodeWriteResult> PublishAsync(RouteStatusUpdate update, Publication batch, CancellationToken cancellation)
    {
        if (update.Lease.Identity is not KubeLeaseIdentity identity) return NodeWriteResult.Gone;
        // From etcd: the watch may lag behind the condition that the node itself wrote.
        if (await api.GetNodeAsync(identity.Node, cancellation) is not { } node || node.Uid != identity.Uid) return NodeWriteResult.Gone;
        var before = StatusOf(node);
        var condition = FindConditionChange(node, update.Status);
        if (condition is null && before?.HasSameContentAs(update.Status) == true) return NodeWriteResult.Written;
        var patch = new NodeStatusPatch
        {
            Annotations = new Dictionary<string, string?> { [annotation] = KubeRouteStatus.ToAnnotation(update.Status) },
            NetworkUnavailable = condition,
            Uid = node.Uid,
        };
        var result = await PatchAsync(node, patch, cancellation);
        if (result == NodeWriteResult.Written) batch.Changes.Add(new StatusChange(node, before, update.Status));
        return result;
    }

    private async Task<NodeWriteResult> PatchAsync(KubeNode node, NodeStatusPatch patch, CancellationToken cancellation)
    {
        try
        {
            return await fence.TryWriteAsync(limited => api.PatchNodeStatusAsync(node.Name, patch, limited), cancellation)
                ? NodeWriteResult.Written
                : NodeWriteResult.TermOver;
        }
        catch (KubeException e) when (e.Kind is KubeErrorKind.NotFound)
        {
            return NodeWriteResult.Gone;
        }
        catch (KubeException e) when (e.Kind is KubeErrorKind.Conflict)
        {
            // Its UID differs, or the API server did not succeed in merging the patch with other writes.
            if ((await api.GetNodeAsync(node.Name, cancellation))?.Uid != node.Uid) return NodeWriteResult.Gone;
            throw;
        }
    }

    /// <summary>The condition to write; null if that of the Node may stay.</summary>
    private NodeCondition? FindConditionChange(KubeNode node, RouteStatus status)
    {
        if (!setsCondition) return null;
        var hasTunnel = context.Kube.Annotations.Find(node) is { } attributes && LeaseInstance.HasTunnel(attributes);
        return RouteCondition.Change(node.NetworkUnavailable, status, hasTunnel, context.Time.GetUtcNow());
    }

    private RouteStatus? StatusOf(KubeNode node) => KubeRouteStatus.Read(node, context.Kube.Annotations)?.Status;

    private enum NodeWriteResult
    {
        Written,
        Gone,
        TermOver,
    }

    /// <summary>One call of <see cref="PublishAsync(IReadOnlyList{RouteStatusUpdate}, CancellationToken)"/>. Thread-safe.</summary>
    private sealed class Publication(IEnumerable<RouteStatusUpdate> updates)
    {
        private volatile bool isTermOver;

        public ConcurrentQueue<RouteStatusUpdate> Remaining { get; } = new(updates);

        public ConcurrentBag<string> Rejected { get; } = [];

        public ConcurrentBag<StatusChange> Changes { get; } = [];

        public bool IsTermOver
        {
            get => isTermOver;
            set => isTermOver = value;
        }
    }
}
