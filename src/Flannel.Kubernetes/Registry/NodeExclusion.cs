using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The Nodes whose routes another tool owns: the route controller neither creates nor deletes routes of their podCIDRs. The rules
/// are those of Alibaba Cloud's controller manager (cloud-provider-alibaba-cloud eeb0ddc68 <c>pkg/controller/helper/node_utils.go</c>,
/// <c>IsExcludedNode</c>): a label counts whatever its value is. Virtual nodes run their pods outside the node.</summary>
public static class NodeExclusion
{
    private static readonly string[] Labels = ["service.alibabacloud.com/exclude-node", "service.beta.kubernetes.io/exclude-node"];

    private const string TypeLabel = "type";
    private const string VirtualKubelet = "virtual-kubelet";

    /// <summary>What excludes the Node, such as <c>label service.alibabacloud.com/exclude-node</c>; null if nothing does.</summary>
    public static string? Find(KubeNode node)
    {
        if (Array.Find(Labels, node.Labels.ContainsKey) is { } label) return $"label {label}";
        if (node.Labels.GetValueOrDefault(TypeLabel) == VirtualKubelet) return $"label {TypeLabel}={VirtualKubelet}";
        var isHybrid = node.ProviderId.StartsWith(ProviderId.HybridScheme, StringComparison.Ordinal);
        return isHybrid ? $"providerID {ProviderId.HybridScheme}" : null;
    }
}
