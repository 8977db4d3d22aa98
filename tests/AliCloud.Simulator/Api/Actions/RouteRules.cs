using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>The rules of a custom route entry: destination, next hop, quota. Each rule returns an error, or null.</summary>
internal static class RouteRules
{
    public static readonly string[] NextHopTypes =
    [
        "Instance", "HaVip", "RouterInterface", "NetworkInterface", "VpnGateway", "IPv6Gateway", "NatGateway", "Attachment", "VpcPeer",
            "Ipv4Gateway",
        "GatewayEndpoint", "Ecr", "GatewayLoadBalancerEndpoint", "RouteTargetGroup",
    ];

    private static readonly Cidr[] Blacklist = [Cidr.Parse("127.0.0.0/8"), Cidr.Parse("169.254.0.0/16"), Cidr.Parse("224.0.0.0/3")];

    /// <summary>Parses a destination. An IPv4 address without a length is a /32.</summary>
    public static ApiError? ParseDestination(string text, out Cidr destination)
    {
        destination = default;
        if (text.Contains(':', StringComparison.Ordinal))
        {
            if (!Cidr.TryParseIpv6(text, out destination, out var hasIpv6HostBits)) return ApiErrors.MalformedCidr;
            return hasIpv6HostBits ? ApiErrors.HostBits : null;
        }

        if (Cidr.TryParseAddress(text, out var address))
        {
            destination = new Cidr(address, 32);
            return null;
        }

        if (!Cidr.TryParse(text, out destination, out var hasHostBits)) return ApiErrors.MalformedCidr;
        return hasHostBits ? ApiErrors.HostBits : null;
    }

    /// <summary>
    /// A destination must not equal or lie in the range of a vSwitch, and must not be 100.64.0.0/10 (a more specific one is allowed). The
    /// batch is stricter: a destination must not lie in 100.64.0.0/10, and must not contain the range of a vSwitch, except for the default
    /// route.
    /// </summary>
    public static ApiError? CheckDestination(CloudState state, RouteTable table, Cidr destination, bool strict)
    {
        var vpc = table.Vpc;
        if (destination.IsIpv6) return Ipv6Rules.CheckTable(state, table) ?? Ipv6Rules.CheckDestination(vpc, destination, strict);
        if (destination == Cidr.Service || (strict && Cidr.Service.Contains(destination))) return ApiErrors.BlacklistedCidr;
        if (Blacklist.Any(b => b.Contains(destination))) return ApiErrors.BlacklistedCidr;
        var overlaps = vpc.VSwitches.Exists(
            v => v.Cidr.Contains(destination) || strict && destination.Length > 0 && destination.Contains(v.Cidr));
        return overlaps ? ApiErrors.OverlapsVSwitch : null;
    }

    /// <summary>The next hop must exist in the VPC of the table. Types that no test needs are not implemented.</summary>
    public static ApiError? CheckNextHop(CloudState state, Vpc vpc, NextHop nextHop, Cidr destination) =>
        CheckNextHop(state, vpc, nextHop) ?? (destination.IsIpv6 ? Ipv6Rules.CheckNextHop(state, nextHop) : null);

    private static ApiError? CheckNextHop(CloudState state, Vpc vpc, NextHop nextHop)
    {
        switch (nextHop.Type)
        {
            case "Instance":
                if (state.FindInstance(nextHop.Id) is not { } instance) return ApiErrors.UnknownNextHop;
                return instance.Vpc == vpc ? null : ApiErrors.InstanceOfOtherVpc;
            case "NetworkInterface":
                if (state.FindInterface(nextHop.Id) is not { } networkInterface) return ApiErrors.UnknownNextHop;
                return networkInterface.VSwitch.Vpc == vpc ? null : ApiErrors.InterfaceOfOtherVpc;
            default:
                return NextHopTypes.Contains(nextHop.Type) ? ApiErrors.UnknownNextHop : ApiErrors.UnknownNextHopType;
        }
    }

    /// <summary>Propagated and managed entries do not count against the quota.</summary>
    public static bool IsFull(CloudState state, RouteTable table) =>
        table.Entries.Count(e => e.Type == "Custom" && e.ServiceType is null) >= state.Settings.RouteEntryQuota;
}
