using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController;

/// <summary>The route controller's lines; event ids 3500 to 3999.</summary>
/// <remarks>A number, an enum, an address is an <c>object</c> here: the whole way of a line through logging is compiled anew for every combination of
/// value types, 8 KB each.</remarks>
internal static partial class RouteControllerLog
{
    [LoggerMessage(3500, LogLevel.Information, "route created: {Table} {Destination} -> {NextHop} (request {RequestId})")]
    public static partial void RouteCreated(ILogger logger, string table, object destination, string nextHop, string requestId);

    [LoggerMessage(3501, LogLevel.Information, "route re-pointed: {Table} {Destination} {Before} -> {NextHop} (request {RequestId})")]
    public static partial void RouteRePointed(
        ILogger logger, string table, object destination, string before, string nextHop, string requestId);

    [LoggerMessage(3502, LogLevel.Information, "stale route deleted: {Table} {Destination} -> {NextHop} (request {RequestId})")]
    public static partial void RouteDeleted(ILogger logger, string table, object destination, string nextHop, string requestId);

    [LoggerMessage(3507, LogLevel.Information,
        "route marked: {Table} {Destination} -> {NextHop}, mark before: {Before} (request {RequestId})")]
    public static partial void RouteMarked(
        ILogger logger, string table, object destination, string nextHop, string before, string requestId);

    [LoggerMessage(3503, LogLevel.Warning, "route failed: {Table} {Destination}: {Kind} {Code} {Text}{RequestNote}")]
    public static partial void RouteFailed(
        ILogger logger, string table, object destination, object kind, string code, string text, string requestNote);

    [LoggerMessage(3504, LogLevel.Warning,
        "conflict ({Kind}): {Table} {Entry} -> {NextHop} ({EntryId}) bears on our {Subnet} and is left alone")]
    public static partial void Conflict(
        ILogger logger, object kind, string table, string entry, string nextHop, string entryId, string subnet);

    [LoggerMessage(3505, LogLevel.Information, "left alone ({Kind}): {Table} {Entry} -> {NextHop} ({EntryId})")]
    public static partial void ForeignLeft(ILogger logger, object kind, string table, string entry, string nextHop, string entryId);

    [LoggerMessage(3506, LogLevel.Information, "gone: {Table} {Entry} ({EntryId}), which was left alone")]
    public static partial void ForeignGone(ILogger logger, string table, string entry, string entryId);

    [LoggerMessage(3510, LogLevel.Information, "{Vpc}: route tables {Tables}")]
    public static partial void TablesKnown(ILogger logger, VpcId vpc, string tables);

    [LoggerMessage(3511, LogLevel.Warning,
        "{Vpc}: the route tables cannot be listed, the RAM role lacks {Action}; each vSwitch is asked for by itself (request {RequestId})")]
    public static partial void TablesNotListed(ILogger logger, VpcId vpc, string action, string requestId);

    [LoggerMessage(3512, LogLevel.Warning, "RouteTableID {Table} is left alone in {Vpc}: {Reason}")]
    public static partial void ConfiguredTableLeft(ILogger logger, string table, VpcId vpc, string reason);

    [LoggerMessage(3516, LogLevel.Warning, "RouteTableID {Table} is not used in {Vpc}: its VPC cannot be verified: {Reason}{RequestNote}")]
    public static partial void TableNotVerified(ILogger logger, string table, VpcId vpc, string reason, string requestNote);

    [LoggerMessage(3513, LogLevel.Warning, "{Vpc}: route table {Table} cannot be read: {Code} {Text}{RequestNote}")]
    public static partial void TableUnreadable(ILogger logger, VpcId vpc, string table, string code, string text, string requestNote);

    [LoggerMessage(3514, LogLevel.Warning, "{Vpc}: {Warning}")]
    public static partial void Overlap(ILogger logger, VpcId vpc, string warning);

    [LoggerMessage(3515, LogLevel.Warning,
        "{Vpc}: overlaps with the VPC's own ranges are not checked: {Code} (request {RequestId})")]
    public static partial void OverlapUnknown(ILogger logger, VpcId vpc, string code, string requestId);

    [LoggerMessage(3520, LogLevel.Warning, "{Vpc}: routes are created one by one, the RAM role lacks {Action} (request {RequestId})")]
    public static partial void BatchDenied(ILogger logger, VpcId vpc, string action, string requestId);

    [LoggerMessage(3521, LogLevel.Information,
        "{Vpc}: a batch of {Count} routes was refused, smaller ones follow: {Code} {Text} (request {RequestId})")]
    public static partial void BatchRefused(ILogger logger, VpcId vpc, object count, string code, string text, string requestId);

    [LoggerMessage(3526, LogLevel.Warning,
        "{Vpc}: batches of {Count} routes get no intelligible answer: {Code} {Text}{RequestNote}; the next one carries {Next}")]
    public static partial void BatchUnanswered(
        ILogger logger, VpcId vpc, object count, object next, string code, string text, string requestNote);

    [LoggerMessage(3522, LogLevel.Information, "{Vpc}: waiting {Pause} ms: {Code} {Text}{RequestNote}")]
    public static partial void Waiting(ILogger logger, VpcId vpc, object pause, string code, string text, string requestNote);

    [LoggerMessage(3523, LogLevel.Warning, "{Vpc}: {Denial}{RequestNote}")]
    public static partial void Denied(ILogger logger, VpcId vpc, string denial, string requestNote);

    [LoggerMessage(3524, LogLevel.Information, "{Vpc}: the API is as it should be again")]
    public static partial void Recovered(ILogger logger, VpcId vpc);

    [LoggerMessage(3525, LogLevel.Information, "{Vpc}: no route deleted: etcd did not confirm the election and the cluster's id; retrying")]
    public static partial void ElectionNotProved(ILogger logger, VpcId vpc);

    [LoggerMessage(3544, LogLevel.Information, "{Vpc}: no route deleted: a lease in etcd is newer than the watch; retrying")]
    public static partial void LeasesDiffer(ILogger logger, VpcId vpc);

    [LoggerMessage(3527, LogLevel.Warning,
        "{Vpc}: deletion of {Count} stale routes held for {Minutes} min: more than {Limit} of {Routes} routes lost their lease at once; "
        + "if etcd lost data, let the nodes come back; 'flanneld routes --delete-stale' deletes them now")]
    public static partial void DeletionsHeld(ILogger logger, VpcId vpc, object count, object limit, object routes, object minutes);

    [LoggerMessage(3528, LogLevel.Error,
        "{Vpc}: another route controller uses this cluster's id: entry {EntryId} of {Destination} in {Table} has the mark {Mark} and was "
        + "not created here; stale routes are kept until the next term; "
        + "if etcd's data was copied, delete {{etcd-prefix}}/ali-vpc/cluster in the copy")]
    public static partial void ClusterIdShared(ILogger logger, VpcId vpc, string table, string destination, string entryId, string mark);

    [LoggerMessage(3529, LogLevel.Warning,
        "{Vpc}: {Count} routes of another cluster ({Mark}) inside the network: they are kept; two clusters of one VPC need networks that "
        + "do not overlap; if that cluster is gone, 'flanneld routes --remove-routes-of {Mark}' deletes them")]
    public static partial void OtherClusterSeen(ILogger logger, VpcId vpc, object count, string mark);

    [LoggerMessage(3530, LogLevel.Information, "source/destination check of {Interface} switched off (request {RequestId})")]
    public static partial void CheckSwitchedOff(ILogger logger, string @interface, string requestId);

    [LoggerMessage(3531, LogLevel.Warning,
        "the source/destination checks are not looked after: the RAM role lacks {Action}. With it on they drop the containers' traffic (request {RequestId})")]
    public static partial void CheckDenied(ILogger logger, string action, string requestId);

    [LoggerMessage(3532, LogLevel.Warning, "source/destination check of {Interface}: {Code} {Text}{RequestNote}")]
    public static partial void CheckFailed(ILogger logger, string @interface, string code, string text, string requestNote);

    [LoggerMessage(3533, LogLevel.Warning, "{Vpc}: route table {Table} holds {Entries} of {Limit} custom entries: {WhatToDo}")]
    public static partial void TableFillsUp(ILogger logger, VpcId vpc, string table, object entries, object limit, string whatToDo);

    [LoggerMessage(3534, LogLevel.Information, "{Vpc}: a route table may hold {Limit} custom entries (quota vpc_quota_route_entrys_num)")]
    public static partial void LimitKnown(ILogger logger, VpcId vpc, object limit);

    [LoggerMessage(3535, LogLevel.Information,
        "{Vpc}: how many entries a route table may hold is not known, {Limit} is assumed: {Code} {Text}{RequestNote}")]
    public static partial void LimitAssumed(ILogger logger, VpcId vpc, object limit, string code, string text, string requestNote);

    [LoggerMessage(3540, LogLevel.Information, "route controller of cluster {Cluster}: {Nodes} nodes in {Vpcs} VPCs, revision {Revision}")]
    public static partial void TermBegins(ILogger logger, string cluster, object nodes, object vpcs, object revision);

    [LoggerMessage(3541, LogLevel.Information, "route controller: the term is over: {End}")]
    public static partial void TermEnds(ILogger logger, string end);

    [LoggerMessage(3542, LogLevel.Information, "{Vpc}: all {Nodes} routes stand in {Tables} tables, {Milliseconds} ms after the first write")]
    public static partial void AllStand(ILogger logger, VpcId vpc, object nodes, object tables, object milliseconds);

    [LoggerMessage(3543, LogLevel.Warning, "{Vpc}: {Subnet} of {Instance} is not routed: {Reason}")]
    public static partial void NodeRefused(ILogger logger, VpcId vpc, object subnet, string instance, string reason);
}
