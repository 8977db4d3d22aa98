using System.Text.Json.Serialization;
using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>A Node as it is read.</summary>
internal sealed class NodeDocument
{
    public ObjectMeta? Metadata { get; init; }

    public NodeSpec? Spec { get; init; }

    public NodeStatus? Status { get; init; }

    /// <returns>A failure for an object without a name or without a resource version: it is not a Node of an API server.</returns>
    public Result<KubeNode> ToNode()
    {
        if (Metadata is not { Name.Length: > 0, ResourceVersion.Length: > 0 })
            return Result.Failure("a Node without metadata.name or metadata.resourceVersion");
        return new KubeNode(Metadata.Name, Metadata.Uid ?? "", Metadata.ResourceVersion)
        {
            CreationTime = KubeTime.Parse(Metadata.CreationTimestamp) ?? default,
            IsDeleting = Metadata.DeletionTimestamp is not null,
            Labels = ObjectMeta.Map(Metadata.Labels),
            Annotations = ObjectMeta.Map(Metadata.Annotations),
            PodCidrs = Spec?.AllPodCidrs() ?? [],
            ProviderId = Spec?.ProviderId ?? "",
            NetworkUnavailable = Status?.Conditions?.FirstOrDefault(
                condition => condition?.Type == NodeConditionDocument.NetworkUnavailable)?.ToCondition(),
        };
    }
}

internal sealed class NodeSpec
{
    [JsonPropertyName("podCIDR")]
    public string? PodCidr { get; init; }

    [JsonPropertyName("podCIDRs")]
    public IReadOnlyList<string?>? PodCidrs { get; init; }

    [JsonPropertyName("providerID")]
    public string? ProviderId { get; init; }

    public IReadOnlyList<string> AllPodCidrs()
    {
        List<string> all = [.. (PodCidrs ?? []).Where(cidr => !string.IsNullOrEmpty(cidr)).Select(cidr => cidr!)];
        if (all.Count == 0 && !string.IsNullOrEmpty(PodCidr)) all.Add(PodCidr);
        return all;
    }
}

internal sealed class NodeStatus
{
    public IReadOnlyList<NodeConditionDocument?>? Conditions { get; init; }
}

/// <summary>A condition, as it is read and as it is written.</summary>
internal sealed class NodeConditionDocument
{
    public const string NetworkUnavailable = "NetworkUnavailable";

    private const string True = "True";
    private const string False = "False";

    public string? Type { get; init; }

    public string? Status { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public string? LastHeartbeatTime { get; init; }

    public string? LastTransitionTime { get; init; }

    public NodeCondition ToCondition() =>
        new(Status == True, Reason ?? "", Message ?? "", KubeTime.Parse(LastTransitionTime) ?? default);

    /// <param name="now">When the condition was observed.</param>
    public static NodeConditionDocument Of(NodeCondition condition, DateTimeOffset now) => new()
    {
        Type = NetworkUnavailable,
        Status = condition.IsTrue ? True : False,
        Reason = condition.Reason,
        Message = condition.Message,
        LastHeartbeatTime = KubeTime.Format(now),
        LastTransitionTime = KubeTime.Format(condition.LastTransition),
    };
}

internal sealed class NodeListDocument
{
    public ListMeta? Metadata { get; init; }

    /// <summary>Null for an empty list of some servers.</summary>
    public IReadOnlyList<NodeDocument?>? Items { get; init; }

    public Result<KubeNodeList> ToList()
    {
        if (Metadata is not { ResourceVersion.Length: > 0 }) return Result.Failure("a list without metadata.resourceVersion");
        var nodes = new List<KubeNode>(Items?.Count ?? 0);
        foreach (var item in Items ?? [])
        {
            var node = item?.ToNode() ?? Result.Failure("a list with an item that is null");
            if (!node.Ok) return Result.Failure(node.Error);
            nodes.Add(node.Value);
        }

        return new KubeNodeList(
            nodes, Metadata.ResourceVersion, string.IsNullOrEmpty(Metadata.ContinueToken) ? null : Metadata.ContinueToken);
    }
}
