using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>Turns each method of <see cref="IKubeApi"/> into a request and its execution by the model.</summary>
public abstract class ModelKubeClient(KubeServerModel server) : IKubeApi
{
    public string Address => "https://model.example:6443";

    protected KubeServerModel Server => server;

    public Task<KubeNode> GetNodeAsync(string name, CancellationToken cancellation) =>
        SendAsync(Request("get", "nodes", name), () => server.GetNode(name), cancellation);

    public virtual Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation) =>
        SendAsync(Request("list", "nodes", request.Name ?? ""), () => server.ListNodes(request), cancellation);

    public abstract IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(string? name, string resourceVersion, CancellationToken cancellation);

    public Task<KubeNode> PatchNodeStatusAsync(string name, NodeStatusPatch patch, CancellationToken cancellation) =>
        SendAsync(
            new ModelRequest(new AccessReview("patch", "", "nodes", "status"), name), () => server.PatchNodeStatus(name, patch),
            cancellation);

    public Task<KubeLease> GetLeaseAsync(ObjectName name, CancellationToken cancellation) =>
        SendAsync(Lease("get", name), () => server.GetLease(name), cancellation);

    public Task<KubeLease> CreateLeaseAsync(KubeLease lease, CancellationToken cancellation) =>
        SendAsync(Lease("create", lease.Name) with { Lease = lease }, () => server.CreateLease(lease), cancellation);

    public Task<KubeLease> UpdateLeaseAsync(KubeLease lease, CancellationToken cancellation) =>
        SendAsync(Lease("update", lease.Name) with { Lease = lease }, () => server.UpdateLease(lease), cancellation);

    public Task<KubeEvent> CreateEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        SendAsync(Namespaced("create", "events", recorded.Name), () => server.CreateEvent(recorded), cancellation);

    public Task<KubeEvent> PatchEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        SendAsync(Namespaced("patch", "events", recorded.Name), () => server.PatchEvent(recorded), cancellation);

    public Task<string?> GetPodNodeNameAsync(ObjectName pod, CancellationToken cancellation) =>
        SendAsync(Namespaced("get", "pods", pod), () => server.GetPodNodeName(pod), cancellation);

    public abstract Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation);

    public Task<string> GetVersionAsync(CancellationToken cancellation) =>
        SendAsync(new ModelRequest(new AccessReview("get", "", "version")), () => server.Version, cancellation);

    protected static ModelRequest WatchRequest(string? name) => Request("watch", "nodes", name ?? "");

    /// <summary>Sends one request; <paramref name="execute"/> is its execution on the server.</summary>
    protected abstract Task<T> SendAsync<T>(ModelRequest request, Func<T> execute, CancellationToken cancellation);

    /// <summary>Throws what the API server answers to a request that the account may not send.</summary>
    protected static void Authorize(ModelAccount account, ModelRequest request)
    {
        if (!account.IsAuthenticated) throw new KubeException(KubeErrorKind.Unauthorized, $"{request}: Unauthorized");
        // Every account may ask for the version and for its own access.
        if (request.Access.Resource is "version" or "selfsubjectaccessreviews" || account.MaySend(request.Access)) return;
        throw new KubeException(KubeErrorKind.Forbidden, $"{request}: forbidden");
    }

    private static ModelRequest Request(string verb, string resource, string name) => new(new AccessReview(verb, "", resource), name);

    private static ModelRequest Namespaced(string verb, string resource, ObjectName name) =>
        new(new AccessReview(verb, "", resource, Namespace: name.Namespace), name.Name);

    private static ModelRequest Lease(string verb, ObjectName name) =>
        new(new AccessReview(verb, ModelAccount.LeaseGroup, "leases", Namespace: name.Namespace), name.Name);
}
