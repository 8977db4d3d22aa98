using System.Collections.Concurrent;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>A service account with its RBAC rules. It may send every request until a test denies it. Thread-safe.</summary>
public sealed class ModelAccount
{
    public const string LeaseGroup = "coordination.k8s.io";

    private readonly ConcurrentDictionary<AccessReview, bool> denied = [];

    /// <summary>False for an expired token: each request fails with 401.</summary>
    public bool IsAuthenticated { get; set; } = true;

    /// <summary>Every request of <see cref="Client.IKubeApi"/> that needs a permission, in all namespaces.</summary>
    public static IReadOnlyList<AccessReview> Everything { get; } =
    [
        new("get", "", "nodes"), new("list", "", "nodes"), new("watch", "", "nodes"), new("patch", "", "nodes", "status"),
        new("get", LeaseGroup, "leases"), new("create", LeaseGroup, "leases"), new("update", LeaseGroup, "leases"),
        new("create", "", "events"), new("patch", "", "events"), new("get", "", "pods"),
    ];

    /// <param name="access">Without a namespace for all namespaces.</param>
    public void Deny(AccessReview access) => denied[access] = true;

    public void Allow(AccessReview access) => denied.TryRemove(access, out _);

    /// <summary>Whether the rules allow a request; they allow nothing outside <see cref="Everything"/>.</summary>
    public bool MaySend(AccessReview access)
    {
        var anywhere = access with { Namespace = "" };
        return Everything.Contains(anywhere) && !denied.ContainsKey(anywhere) && !denied.ContainsKey(access);
    }
}
