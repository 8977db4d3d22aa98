namespace Flannel.RouteController.Failures;

/// <summary>The error codes that the API has for IPv6 entries alone (CreateRouteEntry, version 2016-04-28), and what an operator can do
/// about each.</summary>
internal static class Ipv6ErrorCodes
{
    private static readonly Dictionary<string, string> Remedies = new(StringComparer.OrdinalIgnoreCase)
    {
        ["OperationDenied.VpcIpv6NotEnabled"] = "enable IPv6 for the VPC and for the vSwitches of the nodes",
        ["OperationDenied.Ipv6EntryOnCustomTable"] = "IPv6 needs the VPC's system route table: bind the vSwitch to it",
        ["OperationFailed.NotSupportIPv6"] = "assign an IPv6 address to the instance's interface",
        ["OperationUnsupported.MutipleIpv6Address"] = "leave the instance's interface one IPv6 address",
        ["OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface"] = "a route to a primary interface needs next hop type Instance",
        ["OperationUnsupported.SpecifyIpOnIpv6Entry"] = "an IPv6 route cannot name an address of its next hop",
        ["OperationUnsupported.Ipv6CidrBlock"] = "choose another IPv6Network, such as a part of fd00::/8",
        ["OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch"] = "choose an IPv6Network that overlaps no vSwitch",
    };

    /// <summary>Those that hold for every IPv6 route of a table.</summary>
    private static readonly HashSet<string> OfTable = new(StringComparer.OrdinalIgnoreCase)
    {
        "OperationDenied.VpcIpv6NotEnabled", "OperationDenied.Ipv6EntryOnCustomTable",
    };

    /// <summary>Whether every IPv6 route of the table gets this error.</summary>
    public static bool ConcernsTable(string code) => OfTable.Contains(code);

    /// <summary>What an operator can do; null for other errors.</summary>
    public static string? RemedyOf(string code) => Remedies.GetValueOrDefault(code);
}
