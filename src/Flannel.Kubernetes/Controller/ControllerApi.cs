using System.Collections.Concurrent;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Controller;

/// <summary>The requests of the route controller to the Kubernetes API. Logs what the API server rejects once for each kind of request,
/// until it accepts one later. Thread-safe. Methods throw <see cref="KubeException"/>.</summary>
internal sealed class ControllerApi(IKubeApi api, string @namespace, TimeProvider time, ILogger logger)
{
    private const string Leases = "leases.coordination.k8s.io";

    // Requests for several nodes are sent together, and the API server may reject some of them.
    private static readonly TimeSpan ResetAfter = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Rejection> rejected = new(StringComparer.Ordinal);

    private sealed record Rejection(KubeErrorKind Kind, long At);

    /// <returns>Null if it does not exist.</returns>
    public async Task<KubeLease?> GetLeaseAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await RunAsync(InNamespace("get"), () => api.GetLeaseAsync(new ObjectName(@namespace, name), cancellation));
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.NotFound)
        {
            return null;
        }
    }

    public async Task<KubeLease> CreateLeaseAsync(KubeLease lease, CancellationToken cancellation)
    {
        var operation = InNamespace("create");
        try
        {
            return await RunAsync(operation, () => api.CreateLeaseAsync(lease, cancellation));
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.NotFound)
        {
            // The namespace does not exist.
            LogRejection(operation, e);
            throw;
        }
    }

    public Task<KubeLease> UpdateLeaseAsync(KubeLease lease, CancellationToken cancellation) =>
        RunAsync(InNamespace("update"), () => api.UpdateLeaseAsync(lease, cancellation));

    /// <summary>Creates it if it has no resource version.</summary>
    public Task<KubeLease> WriteLeaseAsync(KubeLease lease, CancellationToken cancellation) =>
        lease.ResourceVersion.Length == 0 ? CreateLeaseAsync(lease, cancellation) : UpdateLeaseAsync(lease, cancellation);

    /// <returns>Null if it does not exist.</returns>
    public async Task<KubeNode?> GetNodeAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await RunAsync("get nodes", () => api.GetNodeAsync(name, cancellation));
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.NotFound)
        {
            return null;
        }
    }

    public Task<KubeNode> PatchNodeStatusAsync(string name, NodeStatusPatch patch, CancellationToken cancellation) =>
        RunAsync("patch nodes/status", () => api.PatchNodeStatusAsync(name, patch, cancellation));

    /// <summary>All nodes as etcd has them, not from a cache of the API server.</summary>
    public async Task<IReadOnlyList<KubeNode>> ListNodesAsync(CancellationToken cancellation)
    {
        var nodes = new List<KubeNode>();
        var request = new NodeListRequest();
        while (true)
        {
            var sent = request;
            var page = await RunAsync("list nodes", () => api.ListNodesAsync(sent, cancellation));
            nodes.AddRange(page.Nodes);
            if (page.Continue is not { } next) return nodes;
            request = request with { Continue = next };
        }
    }

    public Task<KubeEvent> CreateEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        RunAsync("create events", () => api.CreateEventAsync(recorded, cancellation));

    public Task<KubeEvent> PatchEventAsync(KubeEvent recorded, CancellationToken cancellation) =>
        RunAsync("patch events", () => api.PatchEventAsync(recorded, cancellation));

    private string InNamespace(string verb) => $"{verb} {Leases} in namespace {@namespace}";

    private async Task<T> RunAsync<T>(string operation, Func<Task<T>> request)
    {
        try
        {
            var result = await request();
            var wasRejected = rejected.TryGetValue(operation, out var last) && time.GetElapsedTime(last.At) > ResetAfter;
            if (wasRejected) rejected.TryRemove(operation, out _);
            return result;
        }
        catch (KubeException e) when (e.Kind is KubeErrorKind.Forbidden or KubeErrorKind.Invalid or KubeErrorKind.Unauthorized)
        {
            LogRejection(operation, e);
            throw;
        }
    }

    private void LogRejection(string operation, KubeException e)
    {
        if (rejected.TryGetValue(operation, out var logged) && logged.Kind == e.Kind) return;
        rejected[operation] = new Rejection(e.Kind, time.GetTimestamp());
        var reason = e.Message.TrimEnd('.');
        if (e.Kind == KubeErrorKind.Forbidden) KubeControllerLog.MissingPermission(logger, operation, reason);
        else KubeControllerLog.Rejected(logger, operation, e.Kind, reason);
    }
}
