using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Event ids 1100 to 1299, without those of <see cref="Controller.ControllerLog"/>. An id is never reused for another
/// meaning.</summary>
/// <remarks>Numbers, enums and addresses are parameters of type <c>object</c>: Native AOT compiles the whole logging path again for every
/// combination of value types, 8 KB each.</remarks>
internal static partial class NodeLog
{
    [LoggerMessage(1100, LogLevel.Information, "interface {Name} address {Address} MTU {Mtu}, public address {PublicIp}")]
    public static partial void Interface(ILogger logger, string name, object address, object mtu, object publicIp);

    [LoggerMessage(
        1101, LogLevel.Warning,
        "waiting for the network configuration at {Key}; write it, for example: {Command}")]
    public static partial void ConfigMissing(ILogger logger, string key, string command);

    [LoggerMessage(1102, LogLevel.Error, "invalid network configuration at {Key}: {Reason}; waiting for a valid one")]
    public static partial void ConfigInvalid(ILogger logger, string key, string reason);

    [LoggerMessage(1103, LogLevel.Information, "network {Network}, subnets /{Length} from {Min} to {Max}, backend {Backend}")]
    public static partial void Config(ILogger logger, object network, object length, object min, object max, string backend);

    [LoggerMessage(
        1105, LogLevel.Information, "instance {Instance} in {Zone}, VPC {Vpc}, vSwitch {VSwitch}, interface {Interface} ({Kind})")]
    public static partial void Identity(
        ILogger logger, string instance, string zone, string vpc, string vSwitch, string @interface, string kind);

    [LoggerMessage(1106, LogLevel.Warning, "{Reason}; retrying")]
    public static partial void IdentityUnavailable(ILogger logger, string reason);

    [LoggerMessage(1107, LogLevel.Information, "subnet {Subnet} {How}")]
    public static partial void Subnet(ILogger logger, object subnet, string how);

    [LoggerMessage(
        1108, LogLevel.Error,
        "out of subnets: all {Count} of {Network} are leased or excluded; waiting for a free one (widen SubnetMin/SubnetMax or Network)")]
    public static partial void OutOfSubnets(ILogger logger, object count, object network);

    [LoggerMessage(1109, LogLevel.Information, "route of {Subnet}: {State} in {Tables}{Message}")]
    public static partial void RouteState(ILogger logger, object subnet, object state, string tables, string message);

    [LoggerMessage(1110, LogLevel.Warning, "route of {Subnet}: {State}{Message} (request id {RequestId})")]
    public static partial void RouteFailure(ILogger logger, object subnet, object state, string message, string requestId);

    [LoggerMessage(1111, LogLevel.Information, "route of {Subnet}: waiting for the route controller")]
    public static partial void RouteAwaited(ILogger logger, object subnet);

    [LoggerMessage(1112, LogLevel.Information, "node is ready: {File} is in place {Milliseconds} ms after the start")]
    public static partial void Ready(ILogger logger, string file, object milliseconds);

    [LoggerMessage(1113, LogLevel.Warning, "removed {File}: {Reason}")]
    public static partial void FileRemoved(ILogger logger, string file, string reason);

    [LoggerMessage(1114, LogLevel.Error, "{Reason}; retrying")]
    public static partial void HostError(ILogger logger, string reason);

    [LoggerMessage(1115, LogLevel.Information, "the network configuration {Change}")]
    public static partial void ConfigChanged(ILogger logger, string change);

    [LoggerMessage(1129, LogLevel.Warning, "the network configuration {Change}")]
    public static partial void ConfigChangedWarning(ILogger logger, string change);

    [LoggerMessage(1130, LogLevel.Critical, "{Loop}; withholding the systemd watchdog keep-alive")]
    public static partial void LoopStuck(ILogger logger, string loop);

    [LoggerMessage(1131, LogLevel.Warning, "rewrote {File}: {Cause}")]
    public static partial void FileRewritten(ILogger logger, string file, string cause);

    [LoggerMessage(
        1132, LogLevel.Warning,
        "route status of {Subnet} ({State}) not applied: the network configuration changed after the start;"
        + " the node keeps its subnet until it is restarted")]
    public static partial void RouteStatusNotApplied(ILogger logger, object subnet, string state);

    [LoggerMessage(1133, LogLevel.Warning, "cannot remember subnet {Subnet}: {Reason}; without its lease this node may get another subnet")]
    public static partial void SubnetNotRemembered(ILogger logger, object subnet, string reason);

    [LoggerMessage(
        1134, LogLevel.Warning,
        "{Subnet} is reached through the VXLAN tunnel: its route is {State}; it moves to the VPC when the route becomes available")]
    public static partial void FallbackUsed(ILogger logger, object subnet, string state);

    [LoggerMessage(1135, LogLevel.Information, "{Subnet} is no longer reached through the VXLAN tunnel")]
    public static partial void FallbackEnded(ILogger logger, object subnet);

    [LoggerMessage(1160, LogLevel.Warning, "no subnet is assigned to this node: {Reason}; waiting")]
    public static partial void SubnetAwaited(ILogger logger, string reason);

    [LoggerMessage(1161, LogLevel.Error, "the subnet of this node cannot be used: {Reason}; waiting for another one")]
    public static partial void SubnetOutsideNetwork(ILogger logger, string reason);

    [LoggerMessage(1162, LogLevel.Warning, "cannot publish that this node is ready: {Reason}; retrying")]
    public static partial void ReadyNotReported(ILogger logger, string reason);

    [LoggerMessage(1140, LogLevel.Warning, "network configuration: {Line}")]
    public static partial void ConfigWarning(ILogger logger, string line);

    [LoggerMessage(
        1141, LogLevel.Warning,
        "the configuration is in {Place}, which flannel does not read: write it to {Key} with flanneld config set")]
    public static partial void ConfigMisplaced(ILogger logger, string place, string key);

    [LoggerMessage(1143, LogLevel.Information, "the network configuration {Change}")]
    public static partial void AccessKeyChanged(ILogger logger, string change);

    [LoggerMessage(1144, LogLevel.Information, "IPv6 network {Network}, subnets /{Length} from {Min} to {Max}")]
    public static partial void Ipv6Config(ILogger logger, object network, object length, object min, object max);

    [LoggerMessage(1145, LogLevel.Information, "IPv6 subnet {Subnet} belongs to the lease")]
    public static partial void Ipv6Subnet(ILogger logger, object subnet);

    [LoggerMessage(1147, LogLevel.Information, "IPv6 route of {Subnet}: {State}{Message}")]
    public static partial void Ipv6RouteState(ILogger logger, string subnet, object state, string message);

    [LoggerMessage(1148, LogLevel.Warning, "IPv6 route of {Subnet}: {State}{Message} (request id {RequestId}); IPv4 is not concerned")]
    public static partial void Ipv6RouteFailure(ILogger logger, string subnet, object state, string message, string requestId);
}
