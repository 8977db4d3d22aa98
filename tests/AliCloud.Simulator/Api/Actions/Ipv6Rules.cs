using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>The rules of an IPv6 route entry, in addition to those of every entry. Each rule returns an error, or null. Where the documents
/// are silent, the call is refused.</summary>
internal static class Ipv6Rules
{
    private static readonly Cidr[] Reserved =
    [
        Cidr.ParseIpv6("::1/128"), Cidr.ParseIpv6("::ffff:0:0/96"), Cidr.ParseIpv6("fe80::/10"), Cidr.ParseIpv6("ff00::/8"),
    ];

    /// <summary>The parameter <c>IpVersion</c> of a batch. Without it an entry is IPv4.</summary>
    public static ApiError? CheckVersion(Cidr destination, string? ipVersion) =>
        ipVersion == "6" == destination.IsIpv6 ? null : ApiErrors.WrongIpVersion;

    /// <summary>The VPC needs IPv6. A custom table has none, unless the settings allow it.</summary>
    public static ApiError? CheckTable(CloudState state, RouteTable table)
    {
        if (table.Vpc.Ipv6Cidr is null) return ApiErrors.NoIpv6;
        return table.Type == "System" || state.Settings.Ipv6OnCustomTables ? null : ApiErrors.Ipv6OnCustomTable;
    }

    /// <summary>As for IPv4: the range of a vSwitch neither equals nor contains the destination, and a batch also rejects a destination
    /// that contains one, except for the default route.</summary>
    public static ApiError? CheckDestination(Vpc vpc, Cidr destination, bool strict)
    {
        if (Reserved.Any(reserved => reserved.Contains(destination))) return ApiErrors.ReservedIpv6;
        var overlaps = vpc.VSwitches.Exists(v => v.Ipv6Cidr is { } range
            && (range.Contains(destination) || strict && destination.Length > 0 && destination.Contains(range)));
        return overlaps ? ApiErrors.OverlapsVSwitch : null;
    }

    /// <summary>The next hop exists. It needs exactly one IPv6 address, and a primary interface is named by its instance.</summary>
    public static ApiError? CheckNextHop(CloudState state, NextHop nextHop)
    {
        var networkInterface = nextHop.Type == "Instance" ? state.FindInstance(nextHop.Id)?.Primary : state.FindInterface(nextHop.Id);
        if (networkInterface is null) return ApiErrors.Ipv6NotSupported;
        if (nextHop.Type == "NetworkInterface" && networkInterface.IsPrimary) return ApiErrors.Ipv6OnPrimaryInterface;
        return networkInterface.Ipv6Addresses.Count switch
        {
            0 => ApiErrors.Ipv6NotSupported,
            1 => null,
            _ => ApiErrors.SeveralIpv6Addresses,
        };
    }
}
