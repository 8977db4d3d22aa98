using System.Globalization;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>A strategic merge patch of a Node's status: annotations merge by name, conditions by type.</summary>
internal static class NodeStatusMerge
{
    // apimachinery's pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB.
    private const int LargestAnnotations = 256 * 1024;

    /// <summary>The node after the patch, still with the old resource version.</summary>
    public static KubeNode Apply(KubeNode node, NodeStatusPatch patch)
    {
        if (patch.Uid is { } uid && uid != node.Uid)
        {
            throw new KubeException(
                KubeErrorKind.Conflict,
                $"patch nodes/status {node.Name}: Precondition failed: UID in precondition: {uid}, UID in object meta: {node.Uid}");
        }

        var annotations = node.Annotations.ToDictionary(StringComparer.Ordinal);
        foreach (var (name, value) in patch.Annotations)
        {
            // The API server 1.20 copies the patch, with nulls as empty texts, to a node that has no annotations at all.
            if (value is null && node.Annotations.Count == 0) annotations[name] = "";
            else if (value is null) annotations.Remove(name);
            else annotations[name] = value;
        }

        if (annotations.Sum(annotation => annotation.Key.Length + annotation.Value.Length) > LargestAnnotations)
            throw new KubeException(KubeErrorKind.Invalid, $"patch nodes/status {node.Name}: metadata.annotations: Too long");
        return node with
        {
            Annotations = annotations,
            NetworkUnavailable = Merge(node.NetworkUnavailable, patch.NetworkUnavailable),
        };
    }

    /// <summary>The API server stores times in seconds.</summary>
    public static DateTimeOffset WholeSeconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    public static string Text(long revision) => revision.ToString(CultureInfo.InvariantCulture);

    private static NodeCondition? Merge(NodeCondition? before, NodeCondition? patch) =>
        patch is null ? before : patch with { LastTransition = WholeSeconds(patch.LastTransition) };
}
