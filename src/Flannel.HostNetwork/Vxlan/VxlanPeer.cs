using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Another node whose subnet is reached through the tunnel. All parts are of one address family.</summary>
/// <param name="PublicIp">The destination of the outer packets.</param>
/// <param name="Mac">Of its VXLAN device; null if it is not known: the node is reached only by a direct route.</param>
public sealed record VxlanPeer(IpNetwork Subnet, IpAddress PublicIp, MacAddress? Mac);
