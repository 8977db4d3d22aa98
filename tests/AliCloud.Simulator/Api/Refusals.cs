namespace AliCloud.Simulator.Api;

/// <summary>The codes of the references with their texts and HTTP statuses; nothing else refuses.</summary>
internal static class Refusals
{
    public static readonly Refused TaskConflict = new("TaskConflict", "The operation is too frequent, please wait a moment and try again.");
    public static readonly Refused EntryStatus = new("IncorrectRouteEntryStatus", "Specified routeEntry status error.");
    public static readonly Refused DryRunPassed = new("DryRunOperation", "Request validation has been passed with DryRun flag set.");
    public static readonly Refused UnknownRegion = new("InvalidRegionId.NotFound", "The specified RegionId does not exist.", 404);
    public static readonly Refused UnknownAction = new("InvalidAction.NotFound", "Specified api is not found, please check your url and method.", 404);
    public static readonly Refused UnknownVersion = new("InvalidVersion", "Specified parameter Version is not valid.");

    public static readonly Refused UnknownTable = new("InvalidRouteTableId.NotFound", "The specified route table does not exist.", 404);
    public static readonly Refused UnknownTableOfList = new("InvalidRouteTable.NotFound", "The specified route table does not exist.");
    public static readonly Refused UnknownVpc = new("InvalidVpc.NotFound", "Specified VPC does not exist.", 404);
    public static readonly Refused UnknownVpcId = new("InvalidVpcId.NotFound", "Specified VPC does not exist.", 404);
    public static readonly Refused UnknownVSwitch = new("InvalidVSwitchId.NotFound", "Specified virtual switch does not exist.", 404);
    public static readonly Refused UnknownInterface = new("InvalidEniId.NotFound", "The specified network interface does not exist.", 404);
    public static readonly Refused UnknownEntryId = new("InvalidRouteEntryId.NotFound", "The specified route entry does not exist.");
    public static readonly Refused UnknownEntry = new("InvalidRouteEntry.NotFound", "The specified route entry does not exist.", 404);

    public static readonly Refused Duplicate = new("InvalidCIDRBlock.Duplicate", "Specified CIDR block is already exists.");
    public static readonly Refused Quota = new("QuotaExceeded", "Route entry quota exceeded in this route table.");
    public static readonly Refused MalformedCidr = new("InvalidCidrBlock.Malformed", "Specified CIDR block is malformed.");
    public static readonly Refused HostBits = new("InvalidCidrBlock", "Specified CIDR block is not valid.");
    public static readonly Refused BlacklistedCidr = new("InvalidDestinationCidrBlock", "The specified DestinationCidrBlock is in the blacklist.");
    public static readonly Refused OverlapsVSwitch = new(
        "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", "The destination CIDR block overlaps with a vSwitch of the VPC.");
    public static readonly Refused NoIpv6 = new("OperationDenied.VpcIpv6NotEnabled", "IPv6 is not enabled for the VPC.");

    public static readonly Refused UnknownNextHop = new("InvalidNextHopId.NotFound", "The specified next hop does not exist.", 404);
    public static readonly Refused UnknownNextHopOfList = new("InvalidNextHop.NotFound", "The specified next hop does not exist.");
    public static readonly Refused UnknownNextHopType = new("InvalidNextHopType", "The specified NextHopType is not valid.");
    public static readonly Refused InstanceOfOtherVpc = new(
        "OperationFailed.InstanceDismatchCurrentVpc", "The specified instance is not in the current VPC.", 404);
    public static readonly Refused InterfaceOfOtherVpc = new(
        "Mismatch.EniIdAndRouteTableId", "The network interface and the route table are not in the same VPC.");
    public static readonly Refused NextHopUnchanged = new("OperationDenied.NextHopNotChanged", "The next hop is not changed.");

    public static readonly Refused GatewayTable = new("OperationDenied.GatewayRouteTableNotPermitted", "The operation is not permitted on a gateway route table.");
    public static readonly Refused GatewayTableOfList = new(
        "OperationDenied.UseGatewayRouteEntryQueryInterface", "Use the gateway route entry interface to query a gateway route table.");
    public static readonly Refused SystemEntry = new("OperationDenied", "A system route entry cannot be changed.");
    public static readonly Refused ManagedEntry = new("OperationDenied.DeleteManagedRouteEntry", "A managed route entry cannot be changed.");

    public static readonly Refused BadNextToken = new("IllegalParam.NextToken", "The specified NextToken is not valid.");
    public static readonly Refused BadNextTokenOfEcs = new("InvalidParameter.NextToken", "The specified NextToken is not valid.");
    public static readonly Refused ExpiredNextToken = new("IllegalParam.NextTokenExpired", "The specified NextToken has expired.");
    public static readonly Refused FilterOfWrongType = new(
        "OperationFailed.FilterParamUnderWrongRouteType", "The id and the name filter custom route entries only.");
    public static readonly Refused TokenOfOtherParameters = new(
        "IdempotentParameterMismatch", "The request uses the same client token as a previous, but non-identical request.");

    public static Refused Misplaced(bool isForm) =>
        Invalid("parameters", isForm ? "they belong into the body, as a form" : "they belong into the query");

    public static Refused Missing(string name) =>
        new("MissingParameter", $"The input parameter \"{name}\" that is mandatory for processing this request is not supplied.");

    public static Refused Invalid(string name, string why) => new("InvalidParameter", $"The specified parameter \"{name}\" is not valid: {why}.");
}
