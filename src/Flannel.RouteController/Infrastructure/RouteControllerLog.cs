using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Infrastructure;

/// <summary>The route controller's log events; ids 3500 to 3999.</summary>
/// <remarks>Numbers, enums and addresses are <c>object</c> here: the logging code is compiled once more for every combination of value
/// types, 8 KB each.</remarks>
internal static partial class RouteControllerLog
{
    [LoggerMessage(3500, LogLevel.Information, "route created: {Table} {Destination} -> {NextHop} (request {RequestId})")]
    public static partial void RouteCreated(ILogger logger, string table, object destination, string nextHop, string requestId);

    [LoggerMessage(3501, LogLevel.Information, "route updated: {Table} {Destination} {Before} -> {NextHop} (request {RequestId})")]
    public static partial void RouteUpdated(
        ILogger logger, string table, object destination, string before, string nextHop, string requestId);

    [LoggerMessage(3502, LogLevel.Information, "stale route deleted: {Table} {Destination} -> {NextHop} (request {RequestId})")]
    public static partial void RouteDeleted(ILogger logger, string table, object destination, string nextHop, string requestId);

    [LoggerMessage(3507, LogLevel.Information,
        "route marked: {Table} {Destination} -> {NextHop}, mark before: {Before} (request {RequestId})")]
    public static partial void RouteMarked(
        ILogger logger, string table, object destination, string nextHop, string before, string requestId);

    [LoggerMessage(3503, LogLevel.Warning, "route failed: {Table} {Destination}: {Kind} {Code} {Text}{RequestNote}; retrying")]
    public static partial void RouteFailed(
        ILogger logger, string table, object destination, object kind, string code, string text, string requestNote);

    [LoggerMessage(3504, LogLevel.Error,
        "route {Subnet} conflicts with entry {EntryId} in {Table} ({Kind}): {Entry} -> {NextHop} belongs to another owner; "
        + "delete it or release the subnet")]
    public static partial void Conflict(
        ILogger logger, object kind, string table, string entry, string nextHop, string entryId, string subnet);

    [LoggerMessage(3505, LogLevel.Information, "route not changed ({Kind}): {Table} {Entry} -> {NextHop} ({EntryId})")]
    public static partial void Unmanaged(ILogger logger, object kind, string table, string entry, string nextHop, string entryId);

    [LoggerMessage(3506, LogLevel.Information, "route of another owner is gone: {Table} {Entry} ({EntryId})")]
    public static partial void ConflictGone(ILogger logger, string table, string entry, string entryId);

    [LoggerMessage(3510, LogLevel.Information, "{Vpc}: route tables {Tables}")]
    public static partial void TablesKnown(ILogger logger, VpcId vpc, string tables);

    [LoggerMessage(3511, LogLevel.Warning,
        "{Vpc}: route tables not listed: missing permission {Action} (request {RequestId}); each vSwitch is read by itself")]
    public static partial void TablesNotListed(ILogger logger, VpcId vpc, string action, string requestId);

    [LoggerMessage(3512, LogLevel.Warning, "RouteTableID {Table} is not used in {Vpc}: {Reason}")]
    public static partial void ConfiguredTableIgnored(ILogger logger, string table, VpcId vpc, string reason);

    [LoggerMessage(3516, LogLevel.Warning, "RouteTableID {Table} is not used in {Vpc}: its VPC cannot be verified: {Reason}{RequestNote}")]
    public static partial void TableNotVerified(ILogger logger, string table, VpcId vpc, string reason, string requestNote);

    [LoggerMessage(3513, LogLevel.Warning, "{Vpc}: route table {Table} cannot be read: {Code} {Text}{RequestNote}; retrying")]
    public static partial void TableUnreadable(ILogger logger, VpcId vpc, string table, string code, string text, string requestNote);

    [LoggerMessage(3514, LogLevel.Warning, "{Vpc}: {Warning}")]
    public static partial void Overlap(ILogger logger, VpcId vpc, string warning);

    [LoggerMessage(3515, LogLevel.Warning,
        "{Vpc}: overlaps with the VPC's own ranges are not checked: {Code} (request {RequestId})")]
    public static partial void OverlapUnknown(ILogger logger, VpcId vpc, string code, string requestId);

    [LoggerMessage(3520, LogLevel.Warning,
        "{Vpc}: batch not created: missing permission {Action} (request {RequestId}); routes are created one by one")]
    public static partial void BatchDenied(ILogger logger, VpcId vpc, string action, string requestId);

    [LoggerMessage(3521, LogLevel.Warning,
        "{Vpc}: batch rejected, number of routes {Count}: {Code} {Text} (request {RequestId}); smaller batches follow")]
    public static partial void BatchRejected(ILogger logger, VpcId vpc, object count, string code, string text, string requestId);

    [LoggerMessage(3526, LogLevel.Warning,
        "{Vpc}: no valid response to batches of {Count} routes: {Code} {Text}{RequestNote}; the next batch has {Next}")]
    public static partial void BatchUnanswered(
        ILogger logger, VpcId vpc, object count, object next, string code, string text, string requestNote);

    [LoggerMessage(EventId = 3522, Message = "{Vpc}: call failed: {Code} {Text}{RequestNote}; retrying in {Pause} ms")]
    public static partial void Waiting(
        ILogger logger, LogLevel level, VpcId vpc, object pause, string code, string text, string requestNote);

    [LoggerMessage(3523, LogLevel.Warning, "{Vpc}: call denied: {Denial}{RequestNote}")]
    public static partial void Denied(ILogger logger, VpcId vpc, string denial, string requestNote);

    [LoggerMessage(3524, LogLevel.Information, "{Vpc}: the API has recovered")]
    public static partial void Recovered(ILogger logger, VpcId vpc);

    [LoggerMessage(3525, LogLevel.Debug, "{Vpc}: no route deleted: the election and the cluster's id are not confirmed; retrying")]
    public static partial void ElectionNotProved(ILogger logger, VpcId vpc);

    [LoggerMessage(3544, LogLevel.Debug, "{Vpc}: no route deleted: a lease is newer than in the watch; retrying")]
    public static partial void LeasesDiffer(ILogger logger, VpcId vpc);

    [LoggerMessage(3527, LogLevel.Warning,
        "{Vpc}: deletion of {Count} stale routes held for {Minutes} min: more than {Limit} of {Routes} routes lost their lease at once; "
        + "if leases were lost, wait until the nodes have them again; 'flanneld routes clean --stale' deletes the routes now")]
    public static partial void DeletionsHeld(ILogger logger, VpcId vpc, object count, object limit, object routes, object minutes);

    [LoggerMessage(3528, LogLevel.Error,
        "{Vpc}: another route controller uses this cluster's id: entry {EntryId} of {Destination} in {Table} has the mark {Mark} and was "
        + "not created here; stale routes are kept until the next term; "
        + "if the cluster's data was copied, delete the id in the copy (etcd: {{etcd-prefix}}/ali-vpc/cluster)")]
    public static partial void ClusterIdShared(ILogger logger, VpcId vpc, string table, string destination, string entryId, string mark);

    [LoggerMessage(3529, LogLevel.Warning,
        "{Vpc}: routes of another cluster ({Mark}) inside the network are kept, number {Count}: two clusters of one VPC need networks that "
        + "do not overlap; if that cluster is gone, 'flanneld routes clean --of {Mark}' deletes them")]
    public static partial void OtherClusterSeen(ILogger logger, VpcId vpc, object count, string mark);

    [LoggerMessage(3530, LogLevel.Information, "source/destination check of {Interface} disabled (request {RequestId})")]
    public static partial void CheckDisabled(ILogger logger, string @interface, string requestId);

    [LoggerMessage(3531, LogLevel.Warning,
        "source/destination checks not disabled: missing permission {Action} (request {RequestId}); a check that is on drops the "
        + "containers' packets")]
    public static partial void CheckDenied(ILogger logger, string action, string requestId);

    [LoggerMessage(3532, LogLevel.Warning, "source/destination check of {Interface} not disabled: {Code} {Text}{RequestNote}; retrying")]
    public static partial void CheckFailed(ILogger logger, string @interface, string code, string text, string requestNote);

    [LoggerMessage(3533, LogLevel.Warning, "{Vpc}: route table {Table} has {Entries} of {Limit} custom entries: {WhatToDo}")]
    public static partial void TableFillsUp(ILogger logger, VpcId vpc, string table, object entries, object limit, string whatToDo);

    [LoggerMessage(3534, LogLevel.Information,
        "{Vpc}: limit of a route table is {Limit} custom entries (quota vpc_quota_route_entrys_num)")]
    public static partial void LimitKnown(ILogger logger, VpcId vpc, object limit);

    [LoggerMessage(3535, LogLevel.Information,
        "{Vpc}: limit of a route table is unknown: {Code} {Text}{RequestNote}; assuming {Limit} custom entries")]
    public static partial void LimitAssumed(ILogger logger, VpcId vpc, object limit, string code, string text, string requestNote);

    [LoggerMessage(3540, LogLevel.Information, "route controller of cluster {Cluster} started: {Nodes} in {Vpcs}, revision {Revision}")]
    public static partial void TermBegins(ILogger logger, string cluster, string nodes, string vpcs, object revision);

    [LoggerMessage(3541, LogLevel.Information, "route controller stopped: {Reason}")]
    public static partial void TermEnds(ILogger logger, string reason);

    [LoggerMessage(3542, LogLevel.Information, "{Vpc}: {Nodes} available in {Tables} after {Milliseconds} ms")]
    public static partial void RoutesAvailable(ILogger logger, VpcId vpc, string nodes, string tables, object milliseconds);

    [LoggerMessage(3545, LogLevel.Warning,
        "{Vpc}: deleting {Routes} of running nodes in {Table}: the table is full, and IPv4 routes are waiting; "
        + "ask for more of quota vpc_quota_route_entrys_num")]
    public static partial void Ipv6RoutesDeleted(ILogger logger, VpcId vpc, string routes, string table);

    [LoggerMessage(3543, LogLevel.Warning, "{Vpc}: {Subnet} of {Instance} is not routed: {Reason}")]
    public static partial void NodeNotRouted(ILogger logger, VpcId vpc, object subnet, string instance, string reason);

    [LoggerMessage(3560, LogLevel.Debug, "plan for {Vpc} {Table}")]
    public static partial void Plan(ILogger logger, VpcId vpc, string table);

    [LoggerMessage(3561, LogLevel.Debug, "plan for {Vpc}: nothing to do, {Counts} in {Tables}")]
    public static partial void PlanEmpty(ILogger logger, VpcId vpc, string counts, string tables);
}
