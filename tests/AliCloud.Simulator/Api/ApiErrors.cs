namespace AliCloud.Simulator.Api;

/// <summary>The documented error codes with their messages and HTTP statuses. There are no other errors.</summary>
internal static class ApiErrors
{
    public static readonly ApiError TaskConflict = new(
        "TaskConflict", "The operation is too frequent, please wait a moment and try again.");
    public static readonly ApiError EntryStatus = new("IncorrectRouteEntryStatus", "Specified routeEntry status error.");
    public static readonly ApiError DryRunPassed = new("DryRunOperation", "Request validation has been passed with DryRun flag set.");
    public static readonly ApiError UnknownRegion = new("InvalidRegionId.NotFound", "The specified RegionId does not exist.", 404);
    public static readonly ApiError UnknownAction = new(
        "InvalidAction.NotFound", "Specified api is not found, please check your url and method.", 404);
    public static readonly ApiError UnknownVersion = new("InvalidVersion", "Specified parameter Version is not valid.");

    public static readonly ApiError UnknownTable = new("InvalidRouteTableId.NotFound", "The specified route table does not exist.", 404);
    public static readonly ApiError UnknownTableOfList = new("InvalidRouteTable.NotFound", "The specified route table does not exist.");
    public static readonly ApiError UnknownVpc = new("InvalidVpc.NotFound", "Specified VPC does not exist.", 404);
    public static readonly ApiError UnknownVpcId = new("InvalidVpcId.NotFound", "Specified VPC does not exist.", 404);
    public static readonly ApiError UnknownVSwitch = new("InvalidVSwitchId.NotFound", "Specified virtual switch does not exist.", 404);
    public static readonly ApiError UnknownInterface = new("InvalidEniId.NotFound", "The specified network interface does not exist.", 404);
    public static readonly ApiError UnknownEntryId = new("InvalidRouteEntryId.NotFound", "The specified route entry does not exist.");
    public static readonly ApiError UnknownEntry = new("InvalidRouteEntry.NotFound", "The specified route entry does not exist.", 404);

    public static readonly ApiError Duplicate = new("InvalidCIDRBlock.Duplicate", "Specified CIDR block is already exists.");
    public static readonly ApiError Quota = new("QuotaExceeded", "Route entry quota exceeded in this route table.");
    public static readonly ApiError MalformedCidr = new("InvalidCidrBlock.Malformed", "Specified CIDR block is malformed.");
    public static readonly ApiError HostBits = new("InvalidCidrBlock", "Specified CIDR block is not valid.");
    public static readonly ApiError BlacklistedCidr = new(
        "InvalidDestinationCidrBlock", "The specified DestinationCidrBlock is in the blacklist.");
    public static readonly ApiError OverlapsVSwitch = new(
        "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", "The destination CIDR block overlaps with a vSwitch of the VPC.");
    public static readonly ApiError WrongIpVersion = new("IllegalParam.IpVersion", "The specified IpVersion is not valid.");
    public static readonly ApiError Ipv6OnCustomTable = new(
        "OperationDenied.Ipv6EntryOnCustomTable", "You cannot create any IPv6 route entry on a custom route table.");
    public static readonly ApiError ReservedIpv6 = new(
        "OperationUnsupported.Ipv6CidrBlock", "The specified IPv6 CIDR block is not supported.");
    public static readonly ApiError SeveralIpv6Addresses = new(
        "OperationUnsupported.MutipleIpv6Address", "You cannot specify a next hop that has bound multiple IPv6 addresses.");
    public static readonly ApiError Ipv6OnPrimaryInterface = new(
        "OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface", "You cannot create IPv6 route entries on a primary network interface.");
    public static readonly ApiError Ipv6NotSupported = new(
        "OperationFailed.NotSupportIPV6", "The specified next hop does not support IPv6.");
    public static readonly ApiError NoIpv6 = new("OperationDenied.VpcIpv6NotEnabled", "IPv6 has not been enabled for the VPC.");

    public static readonly ApiError UnknownNextHop = new("InvalidNextHopId.NotFound", "The specified next hop does not exist.", 404);
    public static readonly ApiError UnknownNextHopOfList = new("InvalidNextHop.NotFound", "The specified next hop does not exist.");
    public static readonly ApiError UnknownNextHopType = new("InvalidNextHopType", "The specified NextHopType is not valid.");
    public static readonly ApiError InstanceOfOtherVpc = new(
        "OperationFailed.InstanceDismatchCurrentVpc", "The specified instance is not in the current VPC.", 404);
    public static readonly ApiError InterfaceOfOtherVpc = new(
        "Mismatch.EniIdAndRouteTableId", "The network interface and the route table are not in the same VPC.");
    public static readonly ApiError NextHopUnchanged = new("OperationDenied.NextHopNotChanged", "The next hop is not changed.");

    public static readonly ApiError GatewayTable = new(
        "OperationDenied.GatewayRouteTableNotPermitted", "The operation is not permitted on a gateway route table.");
    public static readonly ApiError GatewayTableOfList = new(
        "OperationDenied.UseGatewayRouteEntryQueryInterface", "Use the gateway route entry interface to query a gateway route table.");
    public static readonly ApiError SystemEntry = new("OperationDenied", "A system route entry cannot be changed.");
    public static readonly ApiError ManagedEntry = new(
        "OperationDenied.DeleteManagedRouteEntry", "A managed route entry cannot be changed.");

    public static readonly ApiError BadNextToken = new("IllegalParam.NextToken", "The specified NextToken is not valid.");
    public static readonly ApiError BadNextTokenOfEcs = new("InvalidParameter.NextToken", "The specified NextToken is not valid.");
    public static readonly ApiError ExpiredNextToken = new("IllegalParam.NextTokenExpired", "The specified NextToken has expired.");
    public static readonly ApiError FilterOfWrongType = new(
        "OperationFailed.FilterParamUnderWrongRouteType", "The id and the name filter custom route entries only.");
    public static readonly ApiError TokenOfOtherParameters = new(
        "IdempotentParameterMismatch", "The request uses the same client token as a previous, but non-identical request.");

    public static ApiError Misplaced(bool isForm) =>
        Invalid("parameters", isForm ? "they must be in the body, as a form" : "they must be in the query");

    public static ApiError Missing(string name) =>
        new("MissingParameter", $"The input parameter \"{name}\" that is mandatory for processing this request is not supplied.");

    public static ApiError Invalid(string name, string why) =>
        new("InvalidParameter", $"The specified parameter \"{name}\" is not valid: {why}.");
}
