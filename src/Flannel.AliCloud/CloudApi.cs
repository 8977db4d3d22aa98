using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;

namespace Flannel.AliCloud;

/// <summary>What a call to the cloud came to: a value, or a classified error. Never an exception, except for cancellation by the caller.</summary>
public sealed record CloudResult<T>(T? Value, CloudError? Error, string RequestId) where T : class
{
    public bool Ok => Error is null;
}

/// <summary>What to do about an error of the cloud. Decided by its code alone, in one table.</summary>
public enum CloudErrorKind
{
    /// <summary>Busy, throttled, a task conflict, a time-out, no connection: the same call may succeed later.</summary>
    Retry,

    /// <summary>The outcome of a write is not known, or the state differs from what we believed: read again, then decide.</summary>
    Reread,

    /// <summary>The wanted state holds already.</summary>
    AlreadySo,

    /// <summary>The credentials died: fetch new ones, then repeat once.</summary>
    RefreshCredentials,

    /// <summary>The table is full; slow retries.</summary>
    Quota,

    /// <summary>The rights are missing; <see cref="CloudError.DeniedAction"/> names the RAM action.</summary>
    Denied,

    /// <summary>The request can never succeed as it is (unknown instance, wrong VPC, bad CIDR …).</summary>
    Fatal,

    /// <summary>A code that the table does not know: treated as a slow retry, and logged with its text.</summary>
    Unknown,
}

/// <param name="Code">The service's code, or one of ours in angle brackets: <c>&lt;connect&gt;</c>, <c>&lt;timeout&gt;</c>, <c>&lt;answer&gt;</c>,
/// <c>&lt;credentials&gt;</c> (nothing to sign with; the message says what to do), <c>&lt;request&gt;</c>; or <c>HTTP403</c> and
/// <c>HTTP429</c> where something on the way answered in the API's place.</param>
/// <param name="Message">The service's text, one line, bounded, for people only.</param>
/// <param name="RetryAfter">The server's own hint; null without one.</param>
/// <param name="DeniedAction">The RAM action that is missing, such as <c>vpc:CreateRouteEntries</c>; null for other kinds, and where not
/// RAM but a proxy or a firewall refused the call.</param>
public sealed record CloudError(
    CloudErrorKind Kind, string Code, string Message, string RequestId, int HttpStatus, TimeSpan? RetryAfter, string? DeniedAction)
{
    /// <summary>Nothing was sent: there was nothing to sign with.</summary>
    public bool IsLackOfCredentials => Code == CloudErrorCodes.NoCredentials;

    /// <summary>The account made too many calls; the service itself works.</summary>
    public bool IsThrottling => Code == CloudErrorCodes.TooManyRequests || CloudErrorTable.IsThrottling(Code);

    /// <summary>For kind <see cref="CloudErrorKind.Denied"/>: who refuses what, as the end of a sentence.</summary>
    public string Denial => DeniedAction is { } action ? $"the RAM role lacks {action}" : $"the call is refused: {Message} ({Code})";

    /// <summary>For the end of a line: what Alibaba Cloud's support asks for; empty when the service gave none.</summary>
    public string RequestNote => RequestId.Length == 0 ? "" : $" (request {RequestId})";
}

/// <summary>An entry of a route table, as DescribeRouteEntryList tells it.</summary>
/// <param name="Destination">Null when it is not an IPv4 prefix (IPv6, a prefix list): never ours.</param>
/// <param name="IsCustom">Type Custom and not hosted by another service (ServiceType TR): only these may be touched.</param>
/// <param name="NextHops">More than one for ECMP, which is never ours.</param>
public sealed record RouteEntry(
    string RouteTableId, string RouteEntryId, Ipv4Network? Destination, string DestinationText, bool IsCustom, RouteEntryStatus Status,
    string Name, string Description, IReadOnlyList<NextHop> NextHops);

public enum RouteEntryStatus { Pending, Available, Modifying, Deleting, Unknown }

/// <param name="Type"><c>Instance</c>, <c>NetworkInterface</c>, or another word of the API.</param>
public sealed record NextHop(string Type, string Id);

/// <summary>A route to be made. Name and Description carry the mark of ownership.</summary>
public sealed record NewRouteEntry(string RouteTableId, Ipv4Network Destination, NextHop NextHop, string Name, string Description);

/// <summary>A batch answers for each entry: the failures, by destination. All others succeeded.</summary>
public sealed record BatchOutcome(IReadOnlyList<BatchFailure> Failures);

public sealed record BatchFailure(Ipv4Network? Destination, string? RouteEntryId, CloudError Error);

/// <param name="Kind"><c>System</c> or <c>Custom</c>.</param>
/// <param name="IsGateway">AssociateType Gateway: not a table that serves vSwitches; left alone.</param>
public sealed record RouteTable(string RouteTableId, string VpcId, string Kind, bool IsGateway, IReadOnlyList<string> VSwitchIds);

public sealed record VpcFacts(
    string VpcId, string CidrBlock, IReadOnlyList<string> SecondaryCidrBlocks, IReadOnlyList<string> UserCidrs);

public sealed record VSwitchFacts(string VSwitchId, string VpcId, string CidrBlock, string RouteTableId);

public sealed record InterfaceFacts(string NetworkInterfaceId, string? InstanceId, bool? SourceDestCheck);

/// <param name="Total">Custom entries per route table.</param>
/// <param name="IsAdjustable">Whether more can be asked for.</param>
public sealed record RouteEntryQuota(int Total, bool IsAdjustable)
{
    /// <summary>What a request for more names, with the product vpc.</summary>
    public const string Code = "vpc_quota_route_entrys_num";

    /// <summary>What an account has that never asked for more (VPC's table of quotas).</summary>
    public const int Default = 200;
}

/// <summary>A value where the API answers with nothing but a request id.</summary>
public sealed record Done
{
    public static readonly Done Instance = new();
}

/// <summary>The calls that write routes, by the API's names.</summary>
public enum RouteAction { CreateRouteEntry, CreateRouteEntries, ModifyRouteEntry, DeleteRouteEntries }

/// <summary>The calls of the VPC (2016-04-28) and ECS (2014-05-26) API that this program makes. Lists are complete: paging is inside.
/// A call is one attempt, apart from the one repetition after refreshed credentials or a used nonce.</summary>
public interface ICloudApi
{
    Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(string regionId, string routeTableId, CancellationToken cancellation);

    Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(string regionId, string vpcId, CancellationToken cancellation);

    /// <summary>One table, whatever its VPC; none when there is no such table. The permission may be limited to it.</summary>
    Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation);

    Task<CloudResult<VSwitchFacts>> DescribeVSwitchAttributesAsync(string regionId, string vSwitchId, CancellationToken cancellation);

    Task<CloudResult<IReadOnlyList<VSwitchFacts>>> DescribeVSwitchesAsync(string regionId, string vpcId, CancellationToken cancellation);

    Task<CloudResult<VpcFacts>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation);

    /// <summary>How many custom entries a route table of the account may hold in the region: quota vpc_quota_route_entrys_num of the Quotas API
    /// (2020-05-10).</summary>
    Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation);

    /// <param name="entries">1 to 50, all in one VPC.</param>
    Task<CloudResult<BatchOutcome>> CreateRouteEntriesAsync(string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation);

    /// <param name="clientToken">At most 64 ASCII characters; the same for every repetition of the same wish.</param>
    Task<CloudResult<Done>> CreateRouteEntryAsync(string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation);

    /// <param name="entries">1 to 50, all in one VPC.</param>
    Task<CloudResult<BatchOutcome>> DeleteRouteEntriesAsync(string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation);

    /// <param name="newNextHop">Null to change name and description alone: the next hop that the entry has already is refused.</param>
    Task<CloudResult<Done>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation);

    /// <summary>What the API would say to a write, by its own dry run: writes nothing. An entry that is to be changed or deleted is named by table, destination and next
    /// hop: of a change the new one, of a deletion the one that it has.</summary>
    Task<CloudResult<Done>> DryRunAsync(RouteAction action, string regionId, NewRouteEntry entry, CancellationToken cancellation);

    /// <param name="networkInterfaceIds">At most 100 a call; more are asked for in several.</param>
    Task<CloudResult<IReadOnlyList<InterfaceFacts>>> DescribeNetworkInterfacesAsync(string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation);

    Task<CloudResult<Done>> SwitchOffSourceDestCheckAsync(string regionId, string networkInterfaceId, CancellationToken cancellation);
}
