using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>A strategic merge patch of a Node's status: the API server merges annotations by name and conditions by type.</summary>
internal sealed class NodePatchDocument
{
    public PatchMeta? Metadata { get; init; }

    public NodeStatus? Status { get; init; }

    /// <param name="now">When the condition was observed.</param>
    public static NodePatchDocument Of(NodeStatusPatch patch, DateTimeOffset now)
    {
        var hasMetadata = patch.Uid is not null || patch.Annotations.Count > 0;
        return new NodePatchDocument
        {
            Metadata = hasMetadata ? PatchMeta.Of(patch) : null,
            Status = patch.NetworkUnavailable is { } condition
                ? new NodeStatus { Conditions = [NodeConditionDocument.Of(condition, now)] }
                : null,
        };
    }
}

/// <summary>The <c>metadata</c> of a patch.</summary>
internal sealed class PatchMeta
{
    /// <summary>The API server rejects a patch that would change it.</summary>
    public string? Uid { get; init; }

    /// <summary>A null deletes the annotation.</summary>
    public Dictionary<string, string?>? Annotations { get; init; }

    public static PatchMeta Of(NodeStatusPatch patch) => new()
    {
        Uid = patch.Uid,
        Annotations = patch.Annotations.Count == 0 ? null : new Dictionary<string, string?>(patch.Annotations, StringComparer.Ordinal),
    };
}
