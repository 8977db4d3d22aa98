using System.Globalization;
using System.Runtime.CompilerServices;
using Flannel.Core;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Client.Wire;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>The Kubernetes API over HTTP. Each request uses the kubeconfig, the certificates and the token as they are at that moment, or
/// the former ones while a file cannot be used. Thread-safe.</summary>
public sealed class KubeApi : IKubeApi, IDisposable
{
    private readonly KubeApiContext context;
    private readonly ApiConnections connections;
    private readonly ApiTransport transport;

    private KubeApi(KubeApiContext context, ApiConnections connections)
    {
        (this.context, this.connections) = (context, connections);
        transport = new ApiTransport(connections, context);
    }

    public string Address => connections.DisplayName;

    /// <summary>Reads the access, and connects with the first request.</summary>
    /// <returns>The error says which file or setting cannot be used.</returns>
    public static Result<KubeApi> Create(KubeAccessOptions access, KubeApiContext context)
    {
        var connections = new ApiConnections(access, context.Logger);
        var prepared = connections.Begin();
        if (!prepared.Ok) return Result.Failure(prepared.Error);
        prepared.Value.Use.Dispose();
        return prepared.Value.Token.Select(_ => new KubeApi(context, connections));
    }

    public void Dispose() => connections.Dispose();

    public async Task<KubeNode> GetNodeAsync(string name, CancellationToken cancellation)
    {
        var request = new ApiRequest(ApiRequest.Get, ApiResource.Nodes) { Name = name };
        return Checked(request, (await transport.SendAsync(request, KubeJson.Default.NodeDocument, cancellation)).ToNode());
    }

    public async Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation)
    {
        var list = new ApiRequest(ApiRequest.List, ApiResource.Nodes)
        {
            Limit = KubeLimits.List,
            MaxBytes = KubeLimits.Page,
            Query =
            [
                new("limit", request.Limit.ToString(CultureInfo.InvariantCulture)),
                // The token says at which version the list continues: the API server accepts no other one with it.
                new("resourceVersion", request.Continue is null ? request.ResourceVersion : null),
                new("resourceVersionMatch", request is { IsExact: true, Continue: null } ? "Exact" : null),
                new("continue", request.Continue),
                NameSelector(request.Name),
            ],
        };
        return Checked(list, (await transport.SendAsync(list, KubeJson.Default.NodeListDocument, cancellation)).ToList());
    }

    public async IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(
        string? name, string resourceVersion, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ApiRequest(ApiRequest.Watch, ApiResource.Nodes)
        {
            Query =
            [
                new("watch", "true"),
                new("allowWatchBookmarks", "true"),
                new("resourceVersion", resourceVersion),
                new("timeoutSeconds", WatchSeconds().ToString(CultureInfo.InvariantCulture)),
                NameSelector(name),
            ],
            MaxBytes = int.MaxValue, // of all lines; each line has its own limit
        };
        using var response = await transport.OpenAsync(request, cancellation);
        var watch = new NodeWatch(request, response, name, context.Time);
        while (await NextAsync(watch, cancellation) is { } next) yield return next;
    }

    public async Task<KubeNode> PatchNodeStatusAsync(string name, NodeStatusPatch patch, CancellationToken cancellation)
    {
        var request = new ApiRequest(ApiRequest.Patch, ApiResource.Nodes) { Name = name, Subresource = "status" }
            .WithBody(NodePatchDocument.Of(patch, context.Time.GetUtcNow()), KubeJson.Default.NodePatchDocument);
        return Checked(request, (await transport.SendAsync(request, KubeJson.Default.NodeDocument, cancellation)).ToNode());
    }

    public Task<KubeLease> GetLeaseAsync(ObjectName name, CancellationToken cancellation) =>
        SendLeaseAsync(
            new ApiRequest(ApiRequest.Get, ApiResource.Leases) { Namespace = name.Namespace, Name = name.Name }, cancellation);

    public Task<KubeLease> CreateLeaseAsync(KubeLease lease, CancellationToken cancellation) =>
        SendLeaseAsync(
            new ApiRequest(ApiRequest.Create, ApiResource.Leases) { Namespace = lease.Name.Namespace, NewName = lease.Name.Name }
                .WithBody(LeaseDocument.Of(lease), KubeJson.Default.LeaseDocument), cancellation);

    public Task<KubeLease> UpdateLeaseAsync(KubeLease lease, CancellationToken cancellation)
    {
        // The API server would overwrite whatever is there.
        if (lease.ResourceVersion.Length == 0) throw new ArgumentException("a lease without a resource version", nameof(lease));
        return SendLeaseAsync(
            new ApiRequest(ApiRequest.Update, ApiResource.Leases) { Namespace = lease.Name.Namespace, Name = lease.Name.Name }
                .WithBody(LeaseDocument.Of(lease), KubeJson.Default.LeaseDocument), cancellation);
    }

    public Task<KubeEvent> CreateEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        SendEventAsync(
            new ApiRequest(ApiRequest.Create, ApiResource.Events) { Namespace = recorded.Name.Namespace, NewName = recorded.Name.Name }
                .WithBody(EventDocument.Of(recorded), KubeJson.Default.EventDocument), cancellation);

    public Task<KubeEvent> PatchEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        SendEventAsync(
            new ApiRequest(ApiRequest.Patch, ApiResource.Events) { Namespace = recorded.Name.Namespace, Name = recorded.Name.Name }
                .WithBody(EventDocument.PatchOf(recorded), KubeJson.Default.EventDocument), cancellation);

    public async Task<string?> GetPodNodeNameAsync(ObjectName pod, CancellationToken cancellation)
    {
        var request = new ApiRequest(ApiRequest.Get, ApiResource.Pods) { Namespace = pod.Namespace, Name = pod.Name };
        var read = await transport.SendAsync(request, KubeJson.Default.PodDocument, cancellation);
        if (read.Metadata?.Name is not { Length: > 0 }) throw Unexpected(request, "a Pod without metadata.name");
        return string.IsNullOrEmpty(read.Spec?.NodeName) ? null : read.Spec.NodeName;
    }

    public async Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation)
    {
        var request = new ApiRequest(ApiRequest.Create, ApiResource.SelfSubjectAccessReviews)
            .WithBody(AccessReviewDocument.Of(review), KubeJson.Default.AccessReviewDocument);
        var read = await transport.SendAsync(request, KubeJson.Default.AccessReviewDocument, cancellation);
        return read.Status?.Allowed ?? throw Unexpected(request, "a review without status.allowed");
    }

    public async Task<string> GetVersionAsync(CancellationToken cancellation)
    {
        var request = new ApiRequest(ApiRequest.Get, ApiResource.ServerVersion);
        var read = await transport.SendAsync(request, KubeJson.Default.VersionDocument, cancellation);
        return read.GitVersion is { Length: > 0 } version ? PrintableText.Of(version) : throw Unexpected(request, "no gitVersion");
    }

    private async Task<KubeLease> SendLeaseAsync(ApiRequest request, CancellationToken cancellation) =>
        Checked(request, (await transport.SendAsync(request, KubeJson.Default.LeaseDocument, cancellation)).ToLease());

    private async Task<KubeEvent> SendEventAsync(ApiRequest request, CancellationToken cancellation) =>
        Checked(request, (await transport.SendAsync(request, KubeJson.Default.EventDocument, cancellation)).ToEvent());

    private async Task<KubeNodeEvent?> NextAsync(NodeWatch watch, CancellationToken cancellation)
    {
        try
        {
            return await watch.NextAsync(cancellation);
        }
        catch (KubeException)
        {
            transport.Observer.WatchInterrupted();
            throw;
        }
    }

    /// <exception cref="KubeException">The response is not the object of an API server.</exception>
    private T Checked<T>(ApiRequest request, Result<T> read) where T : notnull =>
        read.Ok ? read.Value : throw Unexpected(request, read.Error);

    private KubeException Unexpected(ApiRequest request, string what) =>
        new(KubeErrorKind.Invalid, $"{request.DisplayName}: {Address} responds with {what}", request.IsWrite);

    private int WatchSeconds()
    {
        lock (context.Random)
            return context.Random.Next((int)KubeLimits.ShortestWatch.TotalSeconds, (int)KubeLimits.LongestWatch.TotalSeconds + 1);
    }

    private static KeyValuePair<string, string?> NameSelector(string? name) =>
        new("fieldSelector", name is null ? null : $"metadata.name={name}");
}
