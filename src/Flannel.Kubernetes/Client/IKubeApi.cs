using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Client;

/// <summary>The requests to the Kubernetes API that this program sends. One attempt each: the callers retry. Thread-safe. Methods throw
/// <see cref="KubeException"/>.</summary>
public interface IKubeApi
{
    /// <summary>The address of the API server, for messages.</summary>
    string Address { get; }

    /// <summary>GET <c>nodes/NAME</c>.</summary>
    Task<KubeNode> GetNodeAsync(string name, CancellationToken cancellation);

    /// <summary>GET <c>nodes</c>, one page.</summary>
    Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation);

    /// <summary>Watches nodes after a resource version, with bookmarks. Ends when the server ends the watch, as it does after some
    /// minutes: the reader watches again after the last resource version that it received.</summary>
    /// <param name="name">The only node to watch; null for all.</param>
    /// <exception cref="KubeException"><see cref="KubeErrorKind.Expired"/>: list again.</exception>
    IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(string? name, string resourceVersion, CancellationToken cancellation);

    /// <summary>PATCH <c>nodes/NAME/status</c> as a strategic merge.</summary>
    Task<KubeNode> PatchNodeStatusAsync(string name, NodeStatusPatch patch, CancellationToken cancellation);

    /// <summary>GET <c>leases/NAME</c> of the group coordination.k8s.io/v1.</summary>
    Task<KubeLease> GetLeaseAsync(ObjectName name, CancellationToken cancellation);

    /// <summary>POST <c>leases</c>. <see cref="KubeErrorKind.Conflict"/> if it exists.</summary>
    Task<KubeLease> CreateLeaseAsync(KubeLease lease, CancellationToken cancellation);

    /// <summary>PUT <c>leases/NAME</c>. <see cref="KubeErrorKind.Conflict"/> unless its resource version is the present one.</summary>
    Task<KubeLease> UpdateLeaseAsync(KubeLease lease, CancellationToken cancellation);

    /// <summary>POST <c>events</c>.</summary>
    Task<KubeEvent> CreateEventAsync(KubeEvent recorded, CancellationToken cancellation);

    /// <summary>PATCH <c>events/NAME</c>: its count, time and message.</summary>
    Task<KubeEvent> PatchEventAsync(KubeEvent recorded, CancellationToken cancellation);

    /// <summary>GET <c>pods/NAME</c>: the node that it runs on; null while it has none.</summary>
    Task<string?> GetPodNodeNameAsync(ObjectName pod, CancellationToken cancellation);

    /// <summary>POST <c>selfsubjectaccessreviews</c>: whether RBAC allows this account a verb.</summary>
    Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation);

    /// <summary>GET <c>/version</c>: such as <c>v1.33.2</c>.</summary>
    Task<string> GetVersionAsync(CancellationToken cancellation);
}
