using System.Diagnostics.CodeAnalysis;
using Flannel.AliCloud.Vpc;

namespace Flannel.AliCloud.Http;

/// <summary>Every code of the VPC and ECS API that is known, and what to do about it. The one place where an answer is judged; a message is never
/// searched. Codes match in any case, since the services spell some in two.</summary>
/// <remarks>Sources: the official lists of CreateRouteEntry, DeleteRouteEntry, DescribeRouteEntryList, the batch calls and the gateway; where these
/// are silent, the retry sets of terraform-provider-alicloud, cloud-provider-alibaba-cloud and kyma.</remarks>
public static class CloudErrorTable
{
    /// <param name="Code">As the service spells it; with a final <c>.*</c> the whole family, unless an exact row exists.</param>
    /// <param name="Kind">For every action but <paramref name="On"/>'s.</param>
    /// <param name="On">Actions (their beginning) for which <paramref name="KindThere"/> holds instead.</param>
    public sealed record Row(string Code, CloudErrorKind Kind, string? On = null, CloudErrorKind KindThere = default);

    public static IReadOnlyList<Row> Rows { get; } =
    [
        // Busy: something in this VPC, table or next hop is changing.
        .. All(CloudErrorKind.Retry,
            "TaskConflict", "OperationConflict", "Operation.Conflict", "InvalidOperation.Conflict", "LastTokenProcessing",
            "IncorrectRouteEntryStatus", "IncorrcetRouteEntryStatus", "IncorrectStatus.VpcRouteEntry",
            "IncorrectVpcStatus", "IncorrectInstanceStatus", "IncorrectVSwitchStatus", "IncorrectHaVipStatus",
            "IncorrectStatus", "IncorrectStatus.*", "IncorrectStatus.RouteTableStatus", "IncorrectStatus.Ipv6Address", "IncorrectStatus.Ipv4Gateway",
            "IncorrectStatus.VpcPeer", "IncorrectStatus.RouterInterface", "IncorrectStatus.MultiScopeRiRouteEntry",
            "IncorrectStatus.CenRelation", "IncorrectStatus.PrefixList", "InvalidVBRStatus",
            "OperationFailed.DistibuteLock", "OperationFailed.NotifyCenCreate", "OperationFailed.NotifyCenDelete",
            "OperationFailed.GetEniInfo", "OperationFailed.OperationLocked", "OperationFailed.QueryCenEntry",
            "OperationDenied.VbrAttachEcrInMiddleStatus"),

        // The service or its gateway is overloaded or ill.
        .. All(CloudErrorKind.Retry,
            "Throttling", "Throttling.*", "Throttling.User", "Throttling.Api", "Rejected.Throttling", "ServiceUnavailable", "SystemBusy",
            "UnknownError", "InternalError", "Internal.Error", "VPC.ERROR", "IdempotentFailed"),

        // Ours to repeat: a used nonce (signed anew at once), a clock that is off (corrected at once), a listing whose token died (restarted).
        .. All(CloudErrorKind.Retry,
            "SignatureNonceUsed", "InvalidTimeStamp.Expired", "IllegalTimestamp", "IllegalParam.NextTokenExpired", "IllegalParam.NextToken"),

        // Already there, but perhaps with another next hop: only reading can tell.
        .. All(CloudErrorKind.Reread,
            "InvalidCIDRBlock.Duplicate", "InvalidRouteEntry.Duplicate", "RouteConflict.AlreadyExist", "Duplicated.VpcNextHop",
            "RouterEntryConflict.Duplicated", "EntryAlreadyExist", "OperationFailed.CidrConflictWithPrefixList",
            "ResourceAlreadyAssociated.PrefixList", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", "VPC_ROUTE_ENTRY_STATUS_ERROR",
            "IdempotentParameterMismatch",
            // Seen when an entry of the same CIDR exists and the next hop cannot carry it.
            "OperationFailed.InvalidNexthop"),

        // Gone: what a deletion wants, and a surprise to everything else.
        .. Gone("InvalidRouteEntry.NotFound", "InvalidRouteEntryId.NotFound", "InvalidRouteEntry", "RouterEntry.NotFound", "VPC_ROUTER_ENTRY_NOT_EXIST"),
        new("OperationDenied.NextHopNotChanged", CloudErrorKind.AlreadySo),
        new("DryRunOperation", CloudErrorKind.AlreadySo),

        // The table itself: gone with all its entries for a deletion.
        new("InvalidRouteTableId.NotFound", CloudErrorKind.Fatal, "DeleteRouteEntr", CloudErrorKind.AlreadySo),
        new("InvalidRouteTable.NotFound", CloudErrorKind.Fatal, "DeleteRouteEntr", CloudErrorKind.AlreadySo),

        .. All(CloudErrorKind.RefreshCredentials,
            "InvalidSecurityToken", "InvalidSecurityToken.*", "InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed",
            "InvalidSecurityToken.MismatchWithAccessKey", "MissingSecurityToken", "InvalidAccessKeyId", "InvalidAccessKeyId.*",
            "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch", "IncompleteSignature"),

        // STS: a token of an OIDC provider that is old, garbled or signed by somebody else. A newer one may be in its file the next time.
        .. All(CloudErrorKind.RefreshCredentials, "AuthenticationFail.*", "AuthenticationFail.OIDCToken.Expired", "AuthenticationFail.OIDCToken.Invalid"),

        .. All(CloudErrorKind.Quota,
            "QuotaExceeded", "QuotaExceeded.*", "QuotaExceeded.HaVipRouteEntry", "QuotaExceeded.VpnRouteEntry",
            "CountLimitExceed.HaVipRouteEntry", "InvalidEntryRuleQuota.NotFound", "Forbidden.CheckEntryRuleQuota"),

        .. All(CloudErrorKind.Denied, "Forbidden.RAM", "NoPermission", "NoPermission.*", "Forbidden", "Forbidden.NoPermission",
            "AuthenticationFail.NoPermission"),

        // "Forbbiden" is the service's spelling of a denial. For a deletion it says that the entry cannot be deleted now: terraform saw
        // that heal while the VPC settles.
        new("Forbbiden", CloudErrorKind.Denied, "DeleteRouteEntr", CloudErrorKind.Retry),

        .. All(CloudErrorKind.Fatal,
            "OperationDenied", "OperationDenied.*", "OperationDenied.DeleteManagedRouteEntry", "OperationFailed.DeleteMultiScopeEntry",
            "OperationDenied.DeleteGatewayEndpointRoute", "OperationDenied.RouteTableTypeNotPermitted",
            "OperationDenied.GatewayRouteTableNotPermitted", "OperationDenied.UseGatewayRouteEntryQueryInterface",
            "OperationFailed.FilterParamUnderWrongRouteType", "OperationFailed.InstanceDismatchCurrentVpc",
            "InvalidNextHopId.NotFound", "InvalidNextHop.NotFound", "InvalidInstanId.NotFound", "InvalidInstanceId.NotFound",
            "InvalidEniId.NotFound", "InvalidNetworkInterface.NotFound", "ResourceNotFound.NetworkInterface", "ResourceNotFound.*",
            "InvalidNexthop", "InvalidNexthop.*", "InvalidNexthop.DirectEni", "InvalidNexthop.UnsupportedEniBizType", "InvalidParameter",
            "InvalidParameter.*", "InvalidVpc.NotFound", "InvalidVpcId.NotFound", "InvalidVRouter.NotFound", "InvalidVSwitchId.NotFound",
            "InvalidRegionId.NotFound", "Mismatch.EniIdAndRouteTableId", "IllegalParam.NextHopId", "InvalidNextHopType",
            "InvalidCidrBlock", "InvalidCidrBlock.Malformed", "IllegalParam.CidrBlock", "IllegalParam.RouteEntryType", "IllegalParam.IpVersion",
            "IllegalParam.*", "InvalidDestinationCidrBlock", "FORBIDDEN_USE_VPC_AS_INTERNET_GATEWAY", "UnsupportedFeature.VpcAdvancedFeature",
            "Region.NotSupport", "UnsupportedRegion", "MissingParameter", "MissingParameter.*", "MissingParam", "MissingParam.*",
            "InvalidRouteEntryName.Malformed", "Forbidden.VRouterNotFound", "DefaultValidate.Error",
            "InvalidAction.NotFound", "InvalidVersion", "DependencyViolation.RouteEntry", "EntityNotExist.*", "EntityNotExist.Role"),

        // IPv6: a degraded state of its own, never a loss of IPv4.
        .. All(CloudErrorKind.Fatal,
            "OperationDenied.VpcIpv6NotEnabled", "OperationDenied.Ipv6EntryOnCustomTable", "OperationUnsupported.*",
            "OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface", "OperationUnsupported.MutipleIpv6Address",
            "OperationFailed.NotSupportIPv6", "OperationUnsupported.Ipv6CidrBlock",
            "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", "OperationUnsupported.SpecifyIpOnIpv6Entry"),
    ];

    private static readonly Dictionary<string, Row> ByCode = Rows.ToDictionary(r => r.Code, StringComparer.OrdinalIgnoreCase);

    /// <param name="code">Of the answer, or a FailedCode of a batch.</param>
    /// <param name="action">The action called, such as <c>CreateRouteEntries</c>: a route that is gone is what a deletion wants.</param>
    public static CloudErrorKind Classify(string code, string action)
    {
        if (!ByCode.TryGetValue(code, out var row) && !TryFamily(code, out row)) return CloudErrorKind.Unknown;
        return row.On is { } on && action.StartsWith(on, StringComparison.Ordinal) ? row.KindThere : row.Kind;
    }

    /// <summary>Whether the code says that the caller made too many calls, which is when the service's rate-limit headers count.</summary>
    public static bool IsThrottling(string code) =>
        code.Equals("Throttling", StringComparison.OrdinalIgnoreCase)
        || code.StartsWith("Throttling.", StringComparison.OrdinalIgnoreCase)
        || code.Equals("Rejected.Throttling", StringComparison.OrdinalIgnoreCase);

    private static bool TryFamily(string code, [NotNullWhen(true)] out Row? row)
    {
        var dot = code.IndexOf('.', StringComparison.Ordinal);
        row = null;
        return dot > 0 && ByCode.TryGetValue(string.Concat(code.AsSpan(0, dot), ".*"), out row);
    }

    private static IEnumerable<Row> All(CloudErrorKind kind, params string[] codes) => codes.Select(c => new Row(c, kind));

    private static IEnumerable<Row> Gone(params string[] codes) =>
        codes.Select(c => new Row(c, CloudErrorKind.Reread, "DeleteRouteEntr", CloudErrorKind.AlreadySo));
}
