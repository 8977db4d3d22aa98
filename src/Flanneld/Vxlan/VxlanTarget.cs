using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Vxlan;

/// <summary>The node whose packets the tunnel carries.</summary>
/// <param name="Network">The cluster's.</param>
/// <param name="Self">This node as its peers know it.</param>
/// <param name="IsDirectRouting"><c>DirectRouting</c> of the network configuration.</param>
internal sealed record VxlanTarget(VxlanDevice Device, IpNetwork Network, VxlanPeer Self, bool IsDirectRouting)
{
    /// <summary>Backend ali-vpc with <c>Fallback</c>: only pairs of which one node is in fallback, or has backend vxlan, use the
    /// tunnel.</summary>
    public bool IsFallback { get; init; }
}
