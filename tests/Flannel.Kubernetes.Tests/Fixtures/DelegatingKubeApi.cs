using System.Runtime.CompilerServices;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;

namespace Flannel.Kubernetes.Tests.Fixtures;

/// <summary>Passes every request on.</summary>
public abstract class DelegatingKubeApi(IKubeApi inner) : IKubeApi
{
    public string Address => inner.Address;

    protected IKubeApi Inner => inner;

    public Task<KubeNode> GetNodeAsync(string name, CancellationToken cancellation) => inner.GetNodeAsync(name, cancellation);

    public virtual Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation) =>
        inner.ListNodesAsync(request, cancellation);

    public virtual IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(
        string? name, string resourceVersion, CancellationToken cancellation) =>
        inner.WatchNodesAsync(name, resourceVersion, cancellation);

    public Task<KubeNode> PatchNodeStatusAsync(string name, NodeStatusPatch patch, CancellationToken cancellation) =>
        inner.PatchNodeStatusAsync(name, patch, cancellation);

    public Task<KubeLease> GetLeaseAsync(ObjectName name, CancellationToken cancellation) => inner.GetLeaseAsync(name, cancellation);

    public Task<KubeLease> CreateLeaseAsync(KubeLease lease, CancellationToken cancellation) => inner.CreateLeaseAsync(lease, cancellation);

    public Task<KubeLease> UpdateLeaseAsync(KubeLease lease, CancellationToken cancellation) => inner.UpdateLeaseAsync(lease, cancellation);

    public Task<KubeEvent> CreateEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        inner.CreateEventAsync(recorded, cancellation);

    public Task<KubeEvent> PatchEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        inner.PatchEventAsync(recorded, cancellation);

    public Task<string?> GetPodNodeNameAsync(ObjectName pod, CancellationToken cancellation) =>
        inner.GetPodNodeNameAsync(pod, cancellation);

    public Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation) => inner.CanIAsync(review, cancellation);

    public Task<string> GetVersionAsync(CancellationToken cancellation) => inner.GetVersionAsync(cancellation);
}

/// <summary>Reaches an API server whose cache lacks the last changes.</summary>
public sealed class StaleCacheApi(IKubeApi inner, KubeServerModel server, int staleBy) : DelegatingKubeApi(inner)
{
    private readonly List<string?> listVersions = [];

    /// <summary>The resource versions of the lists so far.</summary>
    public IReadOnlyList<string?> ListVersions => listVersions;

    public override Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation)
    {
        listVersions.Add(request.ResourceVersion);
        return Task.FromResult(server.ListNodes(request, staleBy));
    }
}

/// <summary>Reaches an API server that ends its watches in an orderly way when it stops.</summary>
public sealed class OrderlyStopApi(IKubeApi inner) : DelegatingKubeApi(inner)
{
    public override async IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(
        string? name, string resourceVersion, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var events = Inner.WatchNodesAsync(name, resourceVersion, cancellation).GetAsyncEnumerator(cancellation);
        while (await MoveNextAsync(events)) yield return events.Current;
    }

    private static async Task<bool> MoveNextAsync(IAsyncEnumerator<KubeNodeEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.Unavailable)
        {
            return false;
        }
    }
}
