using System.Text;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Controller;

/// <summary>The cluster's id, and the routes whose lease is missing, in annotations of a Lease that no node holds. Written only during a
/// term.</summary>
public sealed class KubeClusterStore : IClusterIdStore
{
    // 256 KiB for all annotations of an object (apimachinery's objectmeta.go, TotalAnnotationSizeLimitB), without the other annotations.
    private const int MaxDocumentBytes = 240 * 1024;

    private const int MaxAttempts = 3;

    private readonly KubeControllerContext context;
    private readonly ControllerApi api;
    private readonly TermFence fence;
    private KubeLease? known;
    private bool isTooLargeLogged;

    internal KubeClusterStore(KubeControllerContext context, TermFence fence)
    {
        this.context = context;
        this.fence = fence;
        api = context.Api;
    }

    /// <summary>Where an operator finds the id.</summary>
    public string Location => LocationIn(context.Namespace);

    /// <inheritdoc cref="Location"/>
    /// <param name="namespace">Of the daemons.</param>
    public static string LocationIn(string @namespace) =>
        $"annotation {ControllerObjects.ClusterAnnotation} of Lease {ControllerObjects.Cluster(@namespace)}";

    /// <summary>Reads the id outside a term.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public static async Task<ClusterIdResult> ReadAsync(KubeControllerContext context, CancellationToken cancellation) =>
        Parse(await context.Api.GetLeaseAsync(ControllerObjects.ClusterName, cancellation));

    /// <summary>Reads the id, and creates it if there is none.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request. Can be repeated.</exception>
    public async Task<ClusterIdResult> EnsureAsync(CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var lease = await ReadAsync(cancellation);
            var result = Parse(lease);
            if (result is ClusterIdResult.Known) known = lease;
            if (result is not ClusterIdResult.Missing) return result;
            var created = (lease ?? new KubeLease(ControllerObjects.Cluster(context.Namespace), "")).With(
                ControllerObjects.ClusterAnnotation, Encoding.UTF8.GetString(ClusterId.New().ToJson()));
            try
            {
                if (!await fence.TryWriteAsync(limited => api.WriteLeaseAsync(created, limited), cancellation))
                    return new ClusterIdResult.TermOver();
            }
            catch (KubeException e) when (e.Kind == KubeErrorKind.Conflict && attempt < MaxAttempts)
            {
                // Created meanwhile, or by a write whose response was lost.
            }
        }
    }

    /// <summary>Null if nothing was written yet.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public async Task<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation)
    {
        var lease = await ReadAsync(cancellation);
        return lease?.Annotations.GetValueOrDefault(ControllerObjects.AbsentLeasesAnnotation) is { } text
            ? Encoding.UTF8.GetBytes(text)
            : null;
    }

    /// <summary>A document that is too large for an annotation is not stored: then the next term starts to count again.</summary>
    /// <param name="document">UTF-8 text.</param>
    /// <returns>False if the term is over.</returns>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request. Can be repeated.</exception>
    public async Task<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation)
    {
        if (document.Length > MaxDocumentBytes)
        {
            if (!isTooLargeLogged)
                KubeControllerLog.AbsentLeasesTooLarge(context.Logger, document.Length, ControllerObjects.Cluster(context.Namespace));
            isTooLargeLogged = true;
            return fence.IsHeld;
        }

        var text = Encoding.UTF8.GetString(document.Span);
        for (var attempt = 1; ; attempt++)
        {
            if (await ReadAsync(cancellation) is not { } lease || !IsKnown(lease)) return false;
            try
            {
                var changed = lease.With(ControllerObjects.AbsentLeasesAnnotation, text);
                return await fence.TryWriteAsync(limited => api.UpdateLeaseAsync(changed, limited), cancellation);
            }
            catch (KubeException e) when (e.Kind == KubeErrorKind.Conflict && attempt < MaxAttempts)
            {
                // Written meanwhile, by an operator or by an earlier attempt.
            }
        }
    }

    /// <summary>Whether the cluster is the one that <see cref="EnsureAsync"/> found, by a read from etcd.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    internal async Task<bool> IsSameAsync(CancellationToken cancellation) =>
        known is null || (await ReadAsync(cancellation) is { } lease && IsKnown(lease));

    /// <summary>An API server that was emptied or replaced has another Lease, or none.</summary>
    private bool IsKnown(KubeLease lease) =>
        known is null || (lease.Uid == known.Uid && Parse(lease) is ClusterIdResult.Known now && now == Parse(known));

    private Task<KubeLease?> ReadAsync(CancellationToken cancellation) => LimitedRequest.RunAsync(
        limited => api.GetLeaseAsync(ControllerObjects.ClusterName, limited), ElectionTimes.WriteLimit, context.Time, cancellation);

    private static ClusterIdResult Parse(KubeLease? lease)
    {
        if (lease?.Annotations.GetValueOrDefault(ControllerObjects.ClusterAnnotation) is not { } text)
            return new ClusterIdResult.Missing();
        return ClusterId.ParseJson(Encoding.UTF8.GetBytes(text)) is { } id
            ? new ClusterIdResult.Known(id)
            : new ClusterIdResult.Unreadable();
    }
}
