using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The condition <c>NetworkUnavailable</c> of this node's Node, with upstream's reason and message. While it is <c>True</c>,
/// Kubernetes schedules no pods on the node.</summary>
internal sealed class NetworkCondition(KubeContext context, OwnNode node)
{
    /// <summary>Upstream's reason (<c>pkg/subnet/kube/kube.go</c>, <c>CompleteLease</c>).</summary>
    private const string FlannelIsUp = "FlannelIsUp";

    /// <summary>Reports that the node may use its subnet, unless the Node says so already.</summary>
    /// <exception cref="KubeException">The request failed. Can be repeated.</exception>
    public async Task ReportAvailableAsync(CancellationToken cancellation)
    {
        try
        {
            await WriteAsync(node.Latest ?? await node.ReadAsync(cancellation), cancellation);
        }
        catch (KubeException e) when (e.Kind is KubeErrorKind.Conflict or KubeErrorKind.NotFound)
        {
            // The Node was deleted, and may have been created again, since it was read.
            await WriteAsync(await node.ReadAsync(cancellation), cancellation);
        }
    }

    /// <param name="read">Null if the Node does not exist: then its lease is lost, which the watch reports.</param>
    private async Task WriteAsync(KubeNode? read, CancellationToken cancellation)
    {
        if (read is null || IsReported(read.NetworkUnavailable)) return;
        var condition = new NodeCondition(IsTrue: false, FlannelIsUp, "Flannel is running on this node", context.Time.GetUtcNow());
        await node.PatchAsync(new NodeStatusPatch { NetworkUnavailable = condition, Uid = read.Uid }, cancellation);
        KubeLog.AvailableReported(context.Logger, node.Name);
    }

    /// <summary>The condition of a cloud controller manager stays: it says the same, and <c>flanneld check</c> warns of it.</summary>
    private static bool IsReported(NodeCondition? present) => present is { IsTrue: false }
        && (present.Reason == FlannelIsUp || (present.Reason == RouteCondition.Created && !RouteCondition.IsOwn(present)));
}
