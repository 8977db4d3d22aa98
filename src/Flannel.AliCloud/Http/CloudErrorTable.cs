using System.Diagnostics.CodeAnalysis;

namespace Flannel.AliCloud.Http;

/// <summary>The known error codes of the VPC, ECS and STS API, and the reaction to each. This is the only place that classifies errors; it
/// never parses a message. Codes match in any case: the services spell some of them in two ways.</summary>
/// <remarks>Sources: the official lists of CreateRouteEntry, DeleteRouteEntry, DescribeRouteEntryList, the batch calls and the gateway.
/// Where they are silent: the retry lists of terraform-provider-alicloud, cloud-provider-alibaba-cloud and kyma.</remarks>
public static class CloudErrorTable
{
    private const string DeleteActions = "DeleteRouteEntr";

    /// <param name="Code">As the service spells it. A final <c>.*</c> matches all codes with this prefix that have no row of their
    /// own.</param>
    /// <param name="Kind">For all actions except those of <paramref name="ActionPrefix"/>.</param>
    /// <param name="ActionPrefix">Prefix of the actions that have <paramref name="KindForActions"/> instead; null for no exception.</param>
    public sealed record Row(string Code, CloudErrorKind Kind, string? ActionPrefix = null, CloudErrorKind KindForActions = default);

    public static IReadOnlyList<Row> Rows { get; } =
    [
        // Busy: another change of the VPC, the table or the next hop is in progress.
        .. All(CloudErrorKind.Retry,
            "TaskConflict", "OperationConflict", "Operation.Conflict", "InvalidOperation.Conflict", "LastTokenProcessing",
            "IncorrectRouteEntryStatus", "IncorrcetRouteEntryStatus", "IncorrectStatus.VpcRouteEntry",
            "IncorrectVpcStatus", "IncorrectInstanceStatus", "IncorrectVSwitchStatus", "IncorrectHaVipStatus",
            "IncorrectStatus", "IncorrectStatus.*", "IncorrectStatus.RouteTableStatus", "IncorrectStatus.Ipv6Address",
            "IncorrectStatus.Ipv4Gateway", "IncorrectStatus.VpcPeer", "IncorrectStatus.RouterInterface",
            "IncorrectStatus.MultiScopeRiRouteEntry",
            "IncorrectStatus.CenRelation", "IncorrectStatus.PrefixList", "InvalidVBRStatus",
            "OperationFailed.DistibuteLock", "OperationFailed.NotifyCenCreate", "OperationFailed.NotifyCenDelete",
            "OperationFailed.GetEniInfo", "OperationFailed.OperationLocked", "OperationFailed.QueryCenEntry",
            "OperationDenied.VbrAttachEcrInMiddleStatus"),

        // The service or its gateway is overloaded or faulty.
        .. All(CloudErrorKind.Retry,
            "Throttling", "Throttling.*", "Throttling.User", "Throttling.Api", "Rejected.Throttling", "ServiceUnavailable", "SystemBusy",
            "UnknownError", "InternalError", "Internal.Error", "VPC.ERROR", "IdempotentFailed"),

        // Repeated by this client: a used nonce (signed again), a wrong clock (corrected), an expired page token (listing restarts).
        .. All(CloudErrorKind.Retry,
            "SignatureNonceUsed", "InvalidTimeStamp.Expired", "IllegalTimestamp", "IllegalParam.NextTokenExpired",
            "IllegalParam.NextToken"),

        // The entry exists, perhaps with another next hop: it must be read.
        .. All(CloudErrorKind.Reread,
            "InvalidCIDRBlock.Duplicate", "InvalidRouteEntry.Duplicate", "RouteConflict.AlreadyExist", "Duplicated.VpcNextHop",
            "RouterEntryConflict.Duplicated", "EntryAlreadyExist", "OperationFailed.CidrConflictWithPrefixList",
            "ResourceAlreadyAssociated.PrefixList", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", "VPC_ROUTE_ENTRY_STATUS_ERROR",
            "IdempotentParameterMismatch",
            // Observed when an entry of the same CIDR exists and the next hop is unsuitable.
            "OperationFailed.InvalidNexthop"),

        // The entry does not exist: success for a deletion, unexpected for other actions.
        .. Gone(
            "InvalidRouteEntry.NotFound", "InvalidRouteEntryId.NotFound", "InvalidRouteEntry", "RouterEntry.NotFound",
            "VPC_ROUTER_ENTRY_NOT_EXIST"),
        new("OperationDenied.NextHopNotChanged", CloudErrorKind.AlreadyDone),
        new("DryRunOperation", CloudErrorKind.AlreadyDone),

        // The table does not exist: for a deletion its entries are gone, too.
        new("InvalidRouteTableId.NotFound", CloudErrorKind.Fatal, DeleteActions, CloudErrorKind.AlreadyDone),
        new("InvalidRouteTable.NotFound", CloudErrorKind.Fatal, DeleteActions, CloudErrorKind.AlreadyDone),

        .. All(CloudErrorKind.RefreshCredentials,
            "InvalidSecurityToken", "InvalidSecurityToken.*", "InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed",
            "InvalidSecurityToken.MismatchWithAccessKey", "MissingSecurityToken", "InvalidAccessKeyId", "InvalidAccessKeyId.*",
            "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch", "IncompleteSignature"),

        // STS: an OIDC token that is expired, malformed or of another issuer. Its file may hold a newer one at the next attempt.
        .. All(CloudErrorKind.RefreshCredentials,
            "AuthenticationFail.*", "AuthenticationFail.OIDCToken.Expired", "AuthenticationFail.OIDCToken.Invalid"),

        .. All(CloudErrorKind.Quota,
            "QuotaExceeded", "QuotaExceeded.*", "QuotaExceeded.HaVipRouteEntry", "QuotaExceeded.VpnRouteEntry",
            "CountLimitExceed.HaVipRouteEntry", "InvalidEntryRuleQuota.NotFound", "Forbidden.CheckEntryRuleQuota"),

        .. All(CloudErrorKind.Denied, "Forbidden.RAM", "NoPermission", "NoPermission.*", "Forbidden", "Forbidden.NoPermission",
            "AuthenticationFail.NoPermission"),

        // "Forbbiden" is the service's spelling of a denial. For a deletion it means that the entry cannot be deleted yet:
        // terraform-provider-alicloud retries it.
        new("Forbbiden", CloudErrorKind.Denied, DeleteActions, CloudErrorKind.Retry),

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
            "InvalidCidrBlock", "InvalidCidrBlock.Malformed", "IllegalParam.CidrBlock", "IllegalParam.RouteEntryType",
            "IllegalParam.IpVersion", "IllegalParam.*", "InvalidDestinationCidrBlock", "FORBIDDEN_USE_VPC_AS_INTERNET_GATEWAY",
            "UnsupportedFeature.VpcAdvancedFeature",
            "Region.NotSupport", "UnsupportedRegion", "MissingParameter", "MissingParameter.*", "MissingParam", "MissingParam.*",
            "InvalidRouteEntryName.Malformed", "Forbidden.VRouterNotFound", "DefaultValidate.Error",
            "InvalidAction.NotFound", "InvalidVersion", "DependencyViolation.RouteEntry", "EntityNotExist.*", "EntityNotExist.Role"),

        // IPv6 entries alone; IPv4 works without them. The VPC has no IPv6, or the table is a custom one: no IPv6 entry of the table is
        // possible. The next hop has several addresses, or none, or is a primary interface named as such, or the destination is reserved
        // or in a vSwitch's range: this entry is not possible. (A next hop whose address changes is IncorrectStatus.Ipv6Address, above.)
        .. All(CloudErrorKind.Fatal,
            "OperationDenied.VpcIpv6NotEnabled", "OperationDenied.Ipv6EntryOnCustomTable", "OperationUnsupported.*",
            "OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface", "OperationUnsupported.MutipleIpv6Address",
            "OperationFailed.NotSupportIPv6", "OperationUnsupported.Ipv6CidrBlock",
            "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", "OperationUnsupported.SpecifyIpOnIpv6Entry"),
    ];

    private static readonly Dictionary<string, Row> ByCode = Rows.ToDictionary(r => r.Code, StringComparer.OrdinalIgnoreCase);

    /// <param name="code">The code of the response, or a FailedCode of a batch.</param>
    /// <param name="action">The action, such as <c>CreateRouteEntries</c>.</param>
    public static CloudErrorKind Classify(string code, string action)
    {
        if (!ByCode.TryGetValue(code, out var row) && !TryPrefix(code, out row)) return CloudErrorKind.Unknown;
        return row.ActionPrefix is { } prefix && action.StartsWith(prefix, StringComparison.Ordinal) ? row.KindForActions : row.Kind;
    }

    /// <summary>The code as the table spells it, such as <c>Throttling.*</c> for one that has only a row of its prefix; null if the table
    /// does not contain it.</summary>
    public static string? Find(string code) => ByCode.TryGetValue(code, out var row) || TryPrefix(code, out row) ? row.Code : null;

    /// <summary>True if the caller made too many calls. Only then do the rate-limit headers apply.</summary>
    public static bool IsThrottling(string code) =>
        code.Equals("Throttling", StringComparison.OrdinalIgnoreCase)
        || code.StartsWith("Throttling.", StringComparison.OrdinalIgnoreCase)
        || code.Equals("Rejected.Throttling", StringComparison.OrdinalIgnoreCase);

    private static bool TryPrefix(string code, [NotNullWhen(true)] out Row? row)
    {
        var dot = code.IndexOf('.', StringComparison.Ordinal);
        row = null;
        return dot > 0 && ByCode.TryGetValue(string.Concat(code.AsSpan(0, dot), ".*"), out row);
    }

    private static IEnumerable<Row> All(CloudErrorKind kind, params string[] codes) => codes.Select(c => new Row(c, kind));

    private static IEnumerable<Row> Gone(params string[] codes) =>
        codes.Select(c => new Row(c, CloudErrorKind.Reread, DeleteActions, CloudErrorKind.AlreadyDone));
}
