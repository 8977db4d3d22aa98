using CsCheck;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Http.CloudErrorKind;

namespace Flannel.AliCloud.Tests.Http;

public class CloudErrorTableTests
{
    /// <summary>Written from the documentation and from other projects, independently of the table.</summary>
    private static readonly (CloudErrorKind Kind, string Action, string Codes)[] Documented =
    [
        (Retry, "CreateRouteEntry", """
            TaskConflict IncorrectRouteEntryStatus IncorrectVpcStatus IncorrectInstanceStatus IncorrectVSwitchStatus IncorrectHaVipStatus
            IncorrectStatus.RouteTableStatus IncorrectStatus.Ipv6Address IncorrectStatus.Ipv4Gateway IncorrectStatus.VpcPeer
            IncorrectStatus.RouterInterface IncorrectStatus.MultiScopeRiRouteEntry IncorrectStatus.CenRelation IncorrectStatus.PrefixList
            IncorrectStatus IncorrectStatus.SomethingNew InvalidVBRStatus OperationFailed.DistibuteLock OperationFailed.NotifyCenCreate
            OperationFailed.NotifyCenDelete OperationFailed.GetEniInfo OperationFailed.OperationLocked VPC.ERROR InternalError
            OperationDenied.VbrAttachEcrInMiddleStatus
            """),
        (Reread, "CreateRouteEntry", """
            InvalidCIDRBlock.Duplicate InvalidRouteEntry.Duplicate RouteConflict.AlreadyExist Duplicated.VpcNextHop
            RouterEntryConflict.Duplicated EntryAlreadyExist OperationFailed.CidrConflictWithPrefixList ResourceAlreadyAssociated.PrefixList
            OperationFailed.InvalidNexthop
            IdempotentParameterMismatch
            """),
        (Reread, "CreateRouteEntries", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE VPC_ROUTE_ENTRY_STATUS_ERROR"),
        (Quota, "CreateRouteEntry", """
            QuotaExceeded QuotaExceeded.HaVipRouteEntry QuotaExceeded.VpnRouteEntry QuotaExceeded.SomethingNew
            CountLimitExceed.HaVipRouteEntry InvalidEntryRuleQuota.NotFound Forbidden.CheckEntryRuleQuota
            """),
        (Fatal, "CreateRouteEntry", """
            InvalidRouteTableId.NotFound InvalidRouteTable.NotFound InvalidNextHopId.NotFound InvalidNextHop.NotFound
            InvalidInstanId.NotFound InvalidInstanceId.NotFound InvalidEniId.NotFound InvalidNexthop.DirectEni
            InvalidNexthop.UnsupportedEniBizType InvalidParameter InvalidParameter.SomethingNew OperationFailed.InstanceDismatchCurrentVpc
            InvalidVpc.NotFound InvalidVpcId.NotFound InvalidVRouter.NotFound InvalidVSwitchId.NotFound InvalidRegionId.NotFound
            Mismatch.EniIdAndRouteTableId IllegalParam.NextHopId IllegalParam.SomethingNew InvalidNextHopType InvalidCidrBlock
            InvalidCidrBlock.Malformed IllegalParam.CidrBlock InvalidDestinationCidrBlock FORBIDDEN_USE_VPC_AS_INTERNET_GATEWAY
            OperationDenied.RouteTableTypeNotPermitted OperationDenied.GatewayRouteTableNotPermitted UnsupportedFeature.VpcAdvancedFeature
            Region.NotSupport MissingParameter MissingParameter.RegionId Forbidden.VRouterNotFound DefaultValidate.Error OperationDenied
            OperationDenied.SomethingNew InvalidAction.NotFound InvalidVersion DependencyViolation.RouteEntry
            OperationDenied.VpcIpv6NotEnabled OperationDenied.Ipv6EntryOnCustomTable OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface
            OperationUnsupported.MutipleIpv6Address OperationFailed.NotSupportIPv6 OperationUnsupported.Ipv6CidrBlock
            OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch OperationUnsupported.SpecifyIpOnIpv6Entry
            OperationUnsupported.SomethingNew InvalidNexthop InvalidNexthop.SomethingNew ResourceNotFound.NetworkInterface
            ResourceNotFound.SomethingNew UnsupportedRegion MissingParam MissingParam.RouteTableId
            """),
        (Denied, "CreateRouteEntry", "Forbbiden"),
        (Denied, "DescribeRouteEntryList", "Forbbiden"),
        (Retry, "DeleteRouteEntry", """
            IncorrcetRouteEntryStatus IncorrectRouteEntryStatus IncorrectStatus.VpcRouteEntry IncorrectVpcStatus TaskConflict
            OperationFailed.DistibuteLock Forbbiden Vpc.Error Internal.Error InternalError
            """),
        (AlreadyDone, "DeleteRouteEntry", """
            InvalidRouteEntry.NotFound InvalidRouteEntry InvalidRouteEntryId.NotFound InvalidRouteTableId.NotFound
            InvalidRouteTable.NotFound
            RouterEntry.NotFound
            """),
        (AlreadyDone, "DeleteRouteEntries", "VPC_ROUTER_ENTRY_NOT_EXIST InvalidRouteEntry.NotFound"),
        (Fatal, "DeleteRouteEntry", """
            OperationDenied OperationDenied.DeleteManagedRouteEntry OperationFailed.DeleteMultiScopeEntry
            OperationDenied.DeleteGatewayEndpointRoute
            """),
        (AlreadyDone, "ModifyRouteEntry", "OperationDenied.NextHopNotChanged"),
        (Fatal, "ModifyRouteEntry", "InvalidRouteEntryName.Malformed MissingParam.RouteEntryId IllegalParam.RouteEntryName"),
        (Fatal, "ModifyNetworkInterfaceAttribute", "InvalidNetworkInterface.NotFound InvalidEniId.NotFound"),
        (Reread, "ModifyRouteEntry", """
            InvalidRouteEntry.NotFound InvalidRouteEntryId.NotFound InvalidRouteEntry RouterEntry.NotFound VPC_ROUTER_ENTRY_NOT_EXIST
            """),
        (AlreadyDone, "CreateRouteEntry", "DryRunOperation"),
        (Retry, "DescribeRouteEntryList", "IllegalParam.NextToken IllegalParam.NextTokenExpired OperationFailed.QueryCenEntry"),
        (Fatal, "DescribeRouteEntryList", """
            InvalidRouteTable.NotFound InvalidNextHop.NotFound IllegalParam.RouteEntryType IllegalParam.IpVersion
            OperationDenied.UseGatewayRouteEntryQueryInterface OperationFailed.FilterParamUnderWrongRouteType
            """),
        (Retry, "ModifyNetworkInterfaceAttribute", "InvalidOperation.Conflict Operation.Conflict IdempotentFailed"),
        (Retry, "AnyAction", """
            Throttling Throttling.User Throttling.Api Throttling.SomethingNew Rejected.Throttling ServiceUnavailable ServiceUnAvailable
            SystemBusy UnknownError OperationConflict LastTokenProcessing SignatureNonceUsed InvalidTimeStamp.Expired IllegalTimestamp
            """),
        (RefreshCredentials, "AnyAction", """
            InvalidAccessKeyId InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive InvalidAccessKeyId.SomethingNew SignatureDoesNotMatch
            IncompleteSignature InvalidSecurityToken InvalidSecurityToken.Expired InvalidSecurityToken.Malformed
            InvalidSecurityToken.MismatchWithAccessKey InvalidSecurityToken.SomethingNew MissingSecurityToken
            """),
        (Denied, "AnyAction", "Forbidden.RAM NoPermission NoPermission.SomethingNew Forbidden Forbidden.NoPermission"),
        // STS: https://help.aliyun.com pages of AssumeRole and AssumeRoleWithOIDC.
        (RefreshCredentials, "AssumeRoleWithOIDC",
            "AuthenticationFail.OIDCToken.Expired AuthenticationFail.OIDCToken.Invalid AuthenticationFail.SomethingNew"),
        (Denied, "AssumeRoleWithOIDC", "AuthenticationFail.NoPermission"),
        (Fatal, "AssumeRole", "EntityNotExist.Role EntityNotExist.SomethingNew"),
        (Unknown, "AnyAction", "SomethingNew OperationFailed.SomethingNew Invalid Throttlings TaskConflict2"),
    ];

    public static TheoryData<string, string, CloudErrorKind> Cases()
    {
        var cases = new TheoryData<string, string, CloudErrorKind>();
        foreach (var (kind, action, codes) in Documented)
            foreach (var code in codes.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) cases.Add(code, action, kind);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_documented_code_has_its_kind(string code, string action, CloudErrorKind kind)
    {
        Assert.Equal(kind, CloudErrorTable.Classify(code, action));
        Assert.Equal(kind, CloudErrorTable.Classify(code.ToUpperInvariant(), action));
    }

    [Fact]
    public void Every_row_of_the_table_is_documented_here()
    {
        var known = Cases().Select(c => c.Data.Item1).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var untested = CloudErrorTable.Rows.Select(r => r.Code).Where(c => c.EndsWith(".*", StringComparison.Ordinal)
            ? !known.Any(k => k.StartsWith(c[..^1], StringComparison.OrdinalIgnoreCase)) : !known.Contains(c));
        Assert.Empty(untested);
    }

    [Fact]
    public void Every_documented_code_has_a_row_of_its_own()
    {
        var rows = CloudErrorTable.Rows.Select(r => r.Code).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var missing = Documented.Where(d => d.Kind != Unknown).SelectMany(
            d => d.Codes.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(c => !c.EndsWith(".SomethingNew", StringComparison.Ordinal) && !IsOfAFamily(c) && !rows.Contains(c));
        Assert.Empty(missing);
    }

    /// <summary>Prefixes whose codes end in a parameter of the API.</summary>
    private static bool IsOfAFamily(string code) =>
        new[] { "MissingParameter.", "MissingParam.", "IllegalParam.RouteEntryName" }.Any(
            family => code.StartsWith(family, StringComparison.Ordinal));

    [Fact]
    public void No_code_makes_the_table_throw() =>
        Gen.Select(Gen.String, Gen.String).Sample(
            (code, action) => Enum.IsDefined(CloudErrorTable.Classify(code, action)), seed: Seeds.Texts, iter: 2000);
}
