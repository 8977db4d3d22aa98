using Flannel.Core;
using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd;

/// <summary>All that this assembly says: ids 2000 to 2999. One line per change of state; what repeats itself is Debug.</summary>
/// <remarks>A number, an enum, an address is an <c>object</c> here: the whole way of a line through logging is compiled anew for every combination of
/// value types, 8 KB each.</remarks>
internal static partial class EtcdLog
{
    [LoggerMessage(2000, LogLevel.Warning, "etcd does not answer: {Reason}. Trying on.")]
    public static partial void Unreachable(ILogger logger, string reason);

    [LoggerMessage(2001, LogLevel.Information, "etcd answers again: {Endpoint}, after {Seconds:F1} s")]
    public static partial void Reachable(ILogger logger, string endpoint, object seconds);

    [LoggerMessage(2002, LogLevel.Debug, "etcd: {Reason}")]
    public static partial void MemberFailed(ILogger logger, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "etcd endpoint {Endpoint} is http: leases and passwords cross the network in clear text")]
    public static partial void ClearText(ILogger logger, string endpoint);

    [LoggerMessage(2004, LogLevel.Warning, "etcd refuses ({Kind}): {Reason}. Trying on.")]
    public static partial void Refused(ILogger logger, object kind, string reason);

    [LoggerMessage(2005, LogLevel.Debug, "etcd member {Endpoint} is well again: back to it")]
    public static partial void HomeAgain(ILogger logger, string endpoint);

    [LoggerMessage(2006, LogLevel.Warning, "{Problem}; the former content stays in use")]
    public static partial void FormerFileUsed(ILogger logger, string problem);

    [LoggerMessage(2010, LogLevel.Debug, "found {What} {Key} for this node's address")]
    public static partial void Found(ILogger logger, string what, SubnetKey key);

    [LoggerMessage(2011, LogLevel.Debug, "leased {Key}")]
    public static partial void Taken(ILogger logger, SubnetKey key);

    [LoggerMessage(2012, LogLevel.Debug, "another node took {Subnet}, or the configuration changed")]
    public static partial void LostRace(ILogger logger, object subnet);

    [LoggerMessage(2013, LogLevel.Warning, "the lease {Key} of this node does not fit the configuration any more ({Config}): giving it up")]
    public static partial void UnfitLease(ILogger logger, SubnetKey key, string config);

    [LoggerMessage(2014, LogLevel.Warning, "the reservation {Key} for this node does not fit the configuration ({Config}): not used")]
    public static partial void UnfitReservation(ILogger logger, SubnetKey key, string config);

    [LoggerMessage(2015, LogLevel.Error, "the lease {Key} of this node overlaps another: {Subnets} are leased. Somebody wrote without a look")]
    public static partial void Overlap(ILogger logger, SubnetKey key, string subnets);

    [LoggerMessage(2016, LogLevel.Debug, "the etcd lease {Id:x} stays until its time ends: {Reason}")]
    public static partial void NotRevoked(ILogger logger, object id, string reason);

    [LoggerMessage(2017, LogLevel.Warning, "the key {Name} below subnets/ names no subnet as flannel writes it: ignored")]
    public static partial void NotASubnet(ILogger logger, string name);

    [LoggerMessage(2018, LogLevel.Warning, "the lease {Name} cannot be read ({Reason}): its subnet counts as taken")]
    public static partial void UnreadableLease(ILogger logger, string name, string reason);

    [LoggerMessage(2019, LogLevel.Warning, "the route status of {Key} cannot be read: taken for none")]
    public static partial void UnreadableStatus(ILogger logger, string key);

    [LoggerMessage(2034, LogLevel.Error,
        "instance {Instance} uses this node's public address {Address} too, and holds {Key}: give one of the two another address")]
    public static partial void AddressShared(ILogger logger, object address, string instance, SubnetKey key);

    [LoggerMessage(2035, LogLevel.Warning,
        "took lease {Key} over from instance {Instance}: the metadata service confirms that {Address} is this instance's now")]
    public static partial void TakenOver(ILogger logger, SubnetKey key, string instance, object address);

    [LoggerMessage(2020, LogLevel.Debug, "lease {Key} renewed for {Hours:F1} h")]
    public static partial void Renewed(ILogger logger, SubnetKey key, object hours);

    [LoggerMessage(2021, LogLevel.Error, "lease {Key} has expired while etcd could not be asked: another node may take the subnet")]
    public static partial void Expired(ILogger logger, SubnetKey key);

    [LoggerMessage(2022, LogLevel.Warning, "lease {Key} had ended in etcd and is taken back")]
    public static partial void TakenBack(ILogger logger, SubnetKey key);

    [LoggerMessage(2023, LogLevel.Error, "lease {Key} is lost: {Reason}")]
    public static partial void Lost(ILogger logger, SubnetKey key, string reason);

    [LoggerMessage(2024, LogLevel.Information, "etcd's history does not reach back to revision {Revision}: reading all leases anew")]
    public static partial void Relisting(ILogger logger, object revision);

    [LoggerMessage(2025, LogLevel.Warning,
        "subnet {Subnet} not leased: etcd sorts a key that names no subnet among its keys; delete the key that etcd[2017] names")]
    public static partial void BlockedByUnreadableKey(ILogger logger, object subnet);

    [LoggerMessage(2030, LogLevel.Debug, "this node is the route controller")]
    public static partial void Elected(ILogger logger);

    [LoggerMessage(2031, LogLevel.Debug, "{Instance} ({PublicIp}) is the route controller; this node stands by")]
    public static partial void StandingBy(ILogger logger, string instance, string publicIp);

    [LoggerMessage(2032, LogLevel.Warning, "this node is the route controller no longer: {Reason}")]
    public static partial void TermLost(ILogger logger, string reason);

    [LoggerMessage(2040, LogLevel.Warning, "etcd refused to write route statuses ({Count}): {Reason}; retrying")]
    public static partial void StatusRefused(ILogger logger, object count, string reason);

    [LoggerMessage(2033, LogLevel.Information, "this node has handed over the route controller's work")]
    public static partial void Resigned(ILogger logger);
}
