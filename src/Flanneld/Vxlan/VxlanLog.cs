using Flannel.HostNetwork.Vxlan;
using Microsoft.Extensions.Logging;

namespace Flanneld.Vxlan;

/// <summary>Event ids 1150 to 1169 of the node. An id is never reused for another meaning.</summary>
internal static partial class VxlanLog
{
    public static void LogCreated(ILogger logger, VxlanDevice device, string reason)
    {
        if (reason.Length > 0) Recreated(logger, device.Name, reason);
        Created(logger, device.Name, device.Vni, device.Port, device.Mac, device.Mtu, device.Parent);
    }

    [LoggerMessage(
        1150, LogLevel.Information, "created device {Device}: VNI {Vni}, UDP port {Port}, MAC address {Mac}, MTU {Mtu}, over {Interface}")]
    public static partial void Created(ILogger logger, string device, object vni, object port, object mac, object mtu, string @interface);

    [LoggerMessage(1151, LogLevel.Warning, "deleted device {Device}: it has {Difference}; creating it again")]
    public static partial void Recreated(ILogger logger, string device, string difference);

    [LoggerMessage(1152, LogLevel.Information, "device {Device} forwards to {Peers}")]
    public static partial void Peers(ILogger logger, string device, string peers);

    [LoggerMessage(1153, LogLevel.Warning, "restored {What} of {Device}: another program changed it")]
    public static partial void Restored(ILogger logger, string what, string device);

    [LoggerMessage(1154, LogLevel.Error, "{Reason}; retrying")]
    public static partial void Failed(ILogger logger, string reason);

    [LoggerMessage(1155, LogLevel.Information, "device {Device} and its entries are set up again")]
    public static partial void Recovered(ILogger logger, string device);

    [LoggerMessage(1156, LogLevel.Warning, "ignored {Lease}")]
    public static partial void LeaseRejected(ILogger logger, string lease);

    [LoggerMessage(1157, LogLevel.Information, "{Nodes} with another backend than vxlan: not reached through {Device}")]
    public static partial void OtherBackends(ILogger logger, string nodes, string device);

    [LoggerMessage(
        1158, LogLevel.Warning,
        "{Nodes} without a lease that {Device} forwards to: nothing shows that the lease was released; keeping the entries for 24 h")]
    public static partial void PeersWithoutLease(ILogger logger, string nodes, string device);

    [LoggerMessage(
        1159, LogLevel.Warning,
        "device {Device} of backend vxlan exists: its routes take precedence over those of the VPC; delete it with ip link delete")]
    public static partial void DeviceLeft(ILogger logger, string device);

    [LoggerMessage(1169, LogLevel.Warning, "IPv6 between the containers interrupted: {Reason}; IPv4 is not affected; retrying")]
    public static partial void Ipv6Failed(ILogger logger, string reason);
}
