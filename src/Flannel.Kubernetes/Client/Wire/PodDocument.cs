namespace Flannel.Kubernetes.Client.Wire;

/// <summary>A Pod as it is read.</summary>
internal sealed class PodDocument
{
    public ObjectMeta? Metadata { get; init; }

    public PodSpec? Spec { get; init; }
}

internal sealed class PodSpec
{
    /// <summary>Null while the pod has no node.</summary>
    public string? NodeName { get; init; }
}

/// <summary>The response of <c>/version</c>.</summary>
internal sealed class VersionDocument
{
    public string? GitVersion { get; init; }
}
