using System.Text;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The route status in an annotation of a Node.</summary>
/// <param name="Uid">Of the Node.</param>
public sealed record KubeRouteStatus(RouteStatus Status, string Uid) : PublishedRouteStatus(Status)
{
    /// <summary>Null if the Node has none that can be read.</summary>
    public static KubeRouteStatus? Read(KubeNode node, NodeAnnotations annotations) =>
        NodeAnnotations.Text(node, annotations.RouteStatus) is { Length: > 0 } text
        && RouteStatus.Parse(Encoding.UTF8.GetBytes(text)) is { } status
            ? new KubeRouteStatus(status, node.Uid)
            : null;

    /// <summary>The value of the annotation.</summary>
    public static string ToAnnotation(RouteStatus status) => Encoding.UTF8.GetString(status.ToJson());

    /// <inheritdoc/>
    /// <remarks>A node deletes the status of an earlier holding when it acquires its lease.</remarks>
    protected override bool BelongsTo(LeaseIdentity identity) => identity is KubeLeaseIdentity node && node.Uid == Uid;
}
