using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>What a custom route entry may be: destination, next hop, quota. Each rule answers with its refusal, null if it has none.</summary>
internal static class RouteRules
{
    public static readonly string[] NextHopTypes =
    [
        "Instance", "HaVip", "RouterInterface", "NetworkInterface", "VpnGateway", "IPv6Gateway", "NatGateway", "Attachment", "VpcPeer", "Ipv4Gateway",
        "GatewayEndpoint", "Ecr", "GatewayLoadBalancerEndpoint", "RouteTargetGroup",
    ];

    private static readonly Cidr[] Blacklist = [Cidr.Parse("127.0.0.0/8"), Cidr.Parse("169.254.0.0/16"), Cidr.Parse("224.0.0.0/3")];

    /// <summary>The text of a destination. A bare address is taken as /32.</summary>
    public static Refused? ParseDestination(string text, out Cidr destination)
    {
        destination = default;
        if (text.Contains(':', StringComparison.Ordinal)) return Refusals.NoIpv6;
        if (Cidr.TryParseAddress(text, out var address))
        {
            destination = new Cidr(address, 32);
            return null;
        }

        if (!Cidr.TryParse(text, out destination, out var hasHostBits)) return Refusals.MalformedCidr;
        return hasHostBits ? Refusals.HostBits : null;
    }

    /// <summary>
    /// A destination must not be, or lie in, a vSwitch's range, and must not be 100.64.0.0/10 (a more specific one may be). The batch's text is
    /// stricter: it must not lie in 100.64.0.0/10, and must not contain a vSwitch's range either, but for the default route, which contains them all.
    /// </summary>
    public static Refused? CheckDestination(Vpc vpc, Cidr destination, bool strict)
    {
        if (destination == Cidr.Service || (strict && Cidr.Service.Contains(destination))) return Refusals.BlacklistedCidr;
        if (Blacklist.Any(b => b.Contains(destination))) return Refusals.BlacklistedCidr;
        var overlaps = vpc.VSwitches.Exists(v => v.Cidr.Contains(destination) || strict && destination.Length > 0 && destination.Contains(v.Cidr));
        return overlaps ? Refusals.OverlapsVSwitch : null;
    }

    /// <summary>The next hop must be there, and in the table's VPC. Types that no test needs do not exist in this cloud.</summary>
    public static Refused? CheckNextHop(CloudState state, Vpc vpc, NextHop nextHop)
    {
        switch (nextHop.Type)
        {
            case "Instance":
                if (state.FindInstance(nextHop.Id) is not { } instance) return Refusals.UnknownNextHop;
                return instance.Vpc == vpc ? null : Refusals.InstanceOfOtherVpc;
            case "NetworkInterface":
                if (state.FindInterface(nextHop.Id) is not { } networkInterface) return Refusals.UnknownNextHop;
                return networkInterface.VSwitch.Vpc == vpc ? null : Refusals.InterfaceOfOtherVpc;
            default:
                return NextHopTypes.Contains(nextHop.Type) ? Refusals.UnknownNextHop : Refusals.UnknownNextHopType;
        }
    }

    /// <summary>Propagated and managed entries do not count.</summary>
    public static bool IsFull(CloudState state, RouteTable table) =>
        table.Entries.Count(e => e.Type == "Custom" && e.ServiceType is null) >= state.Settings.RouteEntryQuota;
}
