using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd;

/// <summary>The log messages of this assembly, events 2000 to 2999. One line for each change of state; repetitions are Debug.</summary>
/// <remarks>Numbers, enums and addresses are passed as <c>object</c>: the native compiler generates 8 KB of code for each combination of
/// value types.</remarks>
internal static partial class EtcdLog
{
    [LoggerMessage(2000, LogLevel.Warning, "etcd unavailable: {Reason}; retrying")]
    public static partial void Unavailable(ILogger logger, string reason);

    [LoggerMessage(2001, LogLevel.Information, "etcd available again: {Endpoint}, after {Seconds:F1} s")]
    public static partial void Recovered(ILogger logger, string endpoint, object seconds);

    [LoggerMessage(2002, LogLevel.Debug, "etcd request failed: {Reason}")]
    public static partial void MemberFailed(ILogger logger, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "etcd endpoint {Endpoint} is http: leases and passwords cross the network in clear text")]
    public static partial void ClearText(ILogger logger, string endpoint);

    [LoggerMessage(2004, LogLevel.Warning, "etcd rejected a request ({Kind}): {Reason}; retrying")]
    public static partial void Rejected(ILogger logger, object kind, string reason);

    [LoggerMessage(2005, LogLevel.Debug, "preferred etcd member {Endpoint} recovered; using it again")]
    public static partial void PreferredMemberRecovered(ILogger logger, string endpoint);

    [LoggerMessage(2006, LogLevel.Warning, "{Problem}; the former content stays in use")]
    public static partial void FormerFileUsed(ILogger logger, string problem);

    [LoggerMessage(2010, LogLevel.Debug, "found {What} {Key} of this node")]
    public static partial void Found(ILogger logger, string what, SubnetKey key);

    [LoggerMessage(2011, LogLevel.Debug, "leased {Key}")]
    public static partial void Leased(ILogger logger, SubnetKey key);

    [LoggerMessage(2012, LogLevel.Debug, "{Subnet} not leased: another node took it, or the configuration changed; retrying")]
    public static partial void LostRace(ILogger logger, SubnetKey subnet);

    [LoggerMessage(2013, LogLevel.Warning, "lease {Key} of this node does not fit the configuration any more ({Config}); deleting it")]
    public static partial void UnfitLease(ILogger logger, SubnetKey key, string config);

    [LoggerMessage(2014, LogLevel.Warning, "reservation {Key} for this node not used: it does not fit the configuration ({Config})")]
    public static partial void UnfitReservation(ILogger logger, SubnetKey key, string config);

    [LoggerMessage(2015, LogLevel.Error,
        "lease {Key} of this node overlaps another one ({Subnets}): a client wrote without compare-and-swap; delete the wrong lease")]
    public static partial void Overlap(ILogger logger, SubnetKey key, string subnets);

    [LoggerMessage(2016, LogLevel.Debug, "etcd lease {Id:x} not revoked: {Reason}; it expires by itself")]
    public static partial void NotRevoked(ILogger logger, object id, string reason);

    [LoggerMessage(2017, LogLevel.Warning, "key {Name} below subnets/ ignored: it names no subnet in flannel's form")]
    public static partial void NotASubnet(ILogger logger, string name);

    [LoggerMessage(2018, LogLevel.Warning, "lease {Name} cannot be read: {Reason}; its subnet counts as taken")]
    public static partial void UnreadableLease(ILogger logger, string name, string reason);

    [LoggerMessage(2019, LogLevel.Warning, "route status of {Key} ignored: it cannot be read")]
    public static partial void UnreadableStatus(ILogger logger, string key);

    [LoggerMessage(2020, LogLevel.Debug, "lease {Key} renewed for {Hours:F1} h")]
    public static partial void Renewed(ILogger logger, SubnetKey key, object hours);

    [LoggerMessage(2021, LogLevel.Error, "lease {Key} expired while etcd was unavailable: another node may take the subnet")]
    public static partial void Expired(ILogger logger, SubnetKey key);

    [LoggerMessage(2022, LogLevel.Warning, "lease {Key} had expired in etcd and was taken back")]
    public static partial void TakenBack(ILogger logger, SubnetKey key);

    [LoggerMessage(2023, LogLevel.Error, "lease {Key} lost: {Reason}")]
    public static partial void Lost(ILogger logger, SubnetKey key, string reason);

    [LoggerMessage(2024, LogLevel.Information, "etcd's history does not contain revision {Revision}; reading all leases again")]
    public static partial void Relisting(ILogger logger, object revision);

    [LoggerMessage(2025, LogLevel.Warning,
        "subnet {Subnet} not leased: etcd sorts a key that names no subnet among its keys; delete the key that etcd[2017] names")]
    public static partial void BlockedByUnreadableKey(ILogger logger, object subnet);

    [LoggerMessage(2026, LogLevel.Information, "lease {Former} of this node replaced by {Key}: the configuration is {Config}")]
    public static partial void Replaced(ILogger logger, SubnetKey former, SubnetKey key, string config);

    [LoggerMessage(2030, LogLevel.Debug, "elected as route controller in etcd")]
    public static partial void Elected(ILogger logger);

    [LoggerMessage(2031, LogLevel.Debug, "{Instance} ({PublicIp}) is elected as route controller; waiting")]
    public static partial void Observing(ILogger logger, string instance, string publicIp);

    [LoggerMessage(2032, LogLevel.Warning, "route controller's election lost: {Reason}")]
    public static partial void TermLost(ILogger logger, string reason);

    [LoggerMessage(2033, LogLevel.Information, "resigned as route controller")]
    public static partial void Resigned(ILogger logger);

    [LoggerMessage(2034, LogLevel.Error,
        "instance {Instance} also uses this node's public address {Address}, and holds {Key}; assign one of the two another address")]
    public static partial void AddressShared(ILogger logger, object address, string instance, SubnetKey key);

    [LoggerMessage(2035, LogLevel.Warning,
        "lease {Key} taken over from instance {Instance}: the metadata service reports {Address} as an address of this instance")]
    public static partial void TakenOver(ILogger logger, SubnetKey key, string instance, object address);

    [LoggerMessage(2036, LogLevel.Debug, "this node is the standby: it replaces the route controller without delay")]
    public static partial void BecameStandby(ILogger logger);

    [LoggerMessage(2040, LogLevel.Warning, "etcd rejected route statuses ({Count}): {Reason}; retrying")]
    public static partial void StatusRejected(ILogger logger, object count, string reason);
}
