using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Registry;

/// <summary>The log messages of leases in Kubernetes, events 6100 to 6199. One line for each change of state; repetitions are Debug. An id
/// is never reused for another meaning.</summary>
internal static partial class KubeLog
{
    [LoggerMessage(6100, LogLevel.Warning, "request rejected by the Kubernetes API ({Kind}): {Reason}; retrying")]
    public static partial void Rejected(ILogger logger, object kind, string reason);

    [LoggerMessage(6101, LogLevel.Debug, "resource version {Version} is too old for the API server; listing the nodes again")]
    public static partial void Relisting(ILogger logger, string version);

    [LoggerMessage(6102, LogLevel.Warning,
        "the API server is at resource version {Version}, and was at {Known}: etcd was restored; listing the nodes again")]
    public static partial void Restored(ILogger logger, string version, string known);

    [LoggerMessage(6103, LogLevel.Warning, "node {Node} {Problem}; the route controller does not change its route")]
    public static partial void UnusableLease(ILogger logger, string node, string problem);

    [LoggerMessage(6104, LogLevel.Warning, "node {Node} {Problem}; no stale route is deleted until that is corrected")]
    public static partial void UnreadableLease(ILogger logger, string node, string problem);

    [LoggerMessage(6105, LogLevel.Warning, "route status of node {Node} ignored: annotation {Annotation} cannot be read")]
    public static partial void UnreadableStatus(ILogger logger, string node, string annotation);

    [LoggerMessage(6106, LogLevel.Debug, "node {Node} has lease {Key}: {Count} annotations written")]
    public static partial void Leased(ILogger logger, string node, SubnetKey key, object count);

    [LoggerMessage(6107, LogLevel.Warning, "annotations of node {Node} changed by another program: {Names}; writing them again")]
    public static partial void AnnotationsChanged(ILogger logger, string node, string names);

    [LoggerMessage(6108, LogLevel.Error, "lease {Key} of node {Node} lost: {Reason}")]
    public static partial void Lost(ILogger logger, SubnetKey key, string node, string reason);

    [LoggerMessage(6109, LogLevel.Warning, "annotation {Annotation} of node {Node} ignored: its value is not an address")]
    public static partial void InvalidAddress(ILogger logger, string annotation, string node);

    [LoggerMessage(6110, LogLevel.Warning,
        "node {Node} is excluded from routing by {Exclusion}: the route controller creates no route of it; remove the exclusion")]
    public static partial void Excluded(ILogger logger, string node, string exclusion);

    [LoggerMessage(6111, LogLevel.Information, "node {Node} has condition NetworkUnavailable=False: flannel is running on it")]
    public static partial void AvailableReported(ILogger logger, string node);

    [LoggerMessage(6112, LogLevel.Debug, "route controller not read: {Reason}; retrying later")]
    public static partial void ControllerNotRead(ILogger logger, string reason);

    [LoggerMessage(6113, LogLevel.Warning, "requests to the Kubernetes API fail: {Reason}; retrying")]
    public static partial void Unavailable(ILogger logger, string reason);

    [LoggerMessage(6114, LogLevel.Information, "the Kubernetes API is available again: {Address}, after {Seconds:F1} s")]
    public static partial void Recovered(ILogger logger, string address, object seconds);

    [LoggerMessage(6115, LogLevel.Debug, "request to the Kubernetes API failed: {Reason}")]
    public static partial void RequestFailed(ILogger logger, string reason);

    [LoggerMessage(6116, LogLevel.Debug,
        "nodes at resource version {Version} not read: {Reason}; routes of nodes that were deleted without a route controller stay longer")]
    public static partial void FormerNodesNotRead(ILogger logger, string version, string reason);

    [LoggerMessage(6117, LogLevel.Debug, "event about node {Node} not sent: {Reason}")]
    public static partial void EventNotSent(ILogger logger, string node, string reason);
}
