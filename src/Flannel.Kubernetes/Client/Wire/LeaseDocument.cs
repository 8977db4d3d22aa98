using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>A Lease, as it is read and as it is written.</summary>
internal sealed class LeaseDocument
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta? Metadata { get; init; }

    public LeaseSpec? Spec { get; init; }

    /// <returns>A failure for an object that is not a Lease of an API server.</returns>
    public Result<KubeLease> ToLease()
    {
        if (Metadata is not { Name.Length: > 0, Namespace.Length: > 0, ResourceVersion.Length: > 0 })
            return Result.Failure("a Lease without metadata.name, metadata.namespace or metadata.resourceVersion");
        return new KubeLease(new ObjectName(Metadata.Namespace, Metadata.Name), Metadata.ResourceVersion)
        {
            Uid = Metadata.Uid ?? "",
            Labels = ObjectMeta.Map(Metadata.Labels),
            Annotations = ObjectMeta.Map(Metadata.Annotations),
            HolderIdentity = Spec?.HolderIdentity ?? "",
            Duration = TimeSpan.FromSeconds(Spec?.LeaseDurationSeconds ?? 0),
            AcquireTime = KubeTime.Parse(Spec?.AcquireTime),
            RenewTime = KubeTime.Parse(Spec?.RenewTime),
            Transitions = Spec?.LeaseTransitions ?? 0,
        };
    }

    public static LeaseDocument Of(KubeLease lease) => new()
    {
        ApiVersion = "coordination.k8s.io/v1",
        Kind = "Lease",
        Metadata = new ObjectMeta
        {
            Name = lease.Name.Name,
            Namespace = lease.Name.Namespace,
            Uid = lease.Uid.Length == 0 ? null : lease.Uid,
            ResourceVersion = lease.ResourceVersion.Length == 0 ? null : lease.ResourceVersion,
            Labels = ObjectMeta.Map(lease.Labels),
            Annotations = ObjectMeta.Map(lease.Annotations),
        },
        Spec = new LeaseSpec
        {
            HolderIdentity = lease.HolderIdentity,
            // The API server rejects a duration of 0.
            LeaseDurationSeconds = lease.Duration > TimeSpan.Zero ? (int)Math.Ceiling(lease.Duration.TotalSeconds) : null,
            AcquireTime = KubeTime.FormatMicro(lease.AcquireTime),
            RenewTime = KubeTime.FormatMicro(lease.RenewTime),
            LeaseTransitions = lease.Transitions,
        },
    };
}

internal sealed class LeaseSpec
{
    public string? HolderIdentity { get; init; }

    public int? LeaseDurationSeconds { get; init; }

    public string? AcquireTime { get; init; }

    public string? RenewTime { get; init; }

    public int? LeaseTransitions { get; init; }
}
