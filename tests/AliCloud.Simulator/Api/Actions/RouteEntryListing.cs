using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>DescribeRouteEntryList.</summary>
internal sealed class RouteEntryListing(TimeProvider time)
{
    private readonly NextTokens _tokens = new(time);

    public ApiAction[] All =>
    [
        new("vpc", "DescribeRouteEntryList", List,
            Text("RegionId").Mandatory(), Text("RouteTableId").Mandatory(), Text("RouteEntryId"), Text("DestinationCidrBlock"),
            ParameterRule.List("DestCidrBlockList", 20), Text("RouteEntryName"),
                OneOf("IpVersion", "IllegalParam.IpVersion", "ipv4", "ipv6"),
            OneOf("RouteEntryType", "IllegalParam.RouteEntryType", "Custom", "System", "BGP", "CEN", "ECR"), Text("NextHopId"),
            OneOf("NextHopType", "InvalidNextHopType", [.. RouteRules.NextHopTypes, "local"]), OneOf("ServiceType", null, "TR"),
            Integer("MaxResult", 1, 100), Text("NextToken")),
    ];

    private ApiResult List(CloudState state, Parameters call)
    {
        if (state.FindTable(call["RouteTableId"]) is not { } table) return ApiErrors.UnknownTableOfList;
        if (table.IsGateway) return ApiErrors.GatewayTableOfList;
        if (call["RouteEntryType"] is { } type and not "Custom" && (call["RouteEntryId"] ?? call["RouteEntryName"]) is not null)
            return ApiErrors.FilterOfWrongType;
        if (call["NextHopId"] is { } id && state.FindInstance(id) is null && state.FindInterface(id) is null
            && !table.Entries.Exists(e => e.NextHop.Id == id))
            return ApiErrors.UnknownNextHopOfList;

        long after = 0;
        if (call["NextToken"] is { } token && _tokens.Continue(token, call, out after) is { } error) return error;

        var matching = table.Entries.Where(e => Matches(e, call) && e.Ordinal > after).OrderBy(e => e.Ordinal).ToList();
        var page = matching.Take(call.Integer("MaxResult", 10)).ToList();
        var more = page.Count < matching.Count;
        return new Done(new
        {
            NextToken = more ? _tokens.New(call, page[^1].Ordinal, TimeSpan.FromSeconds(state.Settings.NextTokenLifetimeSeconds)) : "",
            RouteEntrys = new { RouteEntry = page.Select(e => Write(state, e)) },
        });
    }

    /// <summary>Whether the next hop exists; true for the kinds that the simulator does not have.</summary>
    public static bool Exists(CloudState state, NextHop nextHop) => nextHop.Type switch
    {
        "Instance" => state.FindInstance(nextHop.Id) is not null,
        "NetworkInterface" => state.FindInterface(nextHop.Id) is not null,
        _ => true,
    };

    private static bool Matches(RouteEntry e, Parameters call)
    {
        var destinations = call.Texts("DestCidrBlockList");
        return (call["RouteEntryId"] is null || e.Id == call["RouteEntryId"] && e.Type == "Custom")
            && (call["RouteEntryName"] is null || e.Name == call["RouteEntryName"] && e.Type == "Custom")
            && (call["DestinationCidrBlock"] is null || e.Destination.ToString() == call["DestinationCidrBlock"])
            && (destinations.Count == 0 || destinations.Contains(e.Destination.ToString()))
            && (call["IpVersion"] is null || call["IpVersion"] == IpVersionOf(e))
            && (call["RouteEntryType"] is null || e.Type == call["RouteEntryType"])
            && (call["NextHopId"] is null || e.NextHop.Id == call["NextHopId"])
            && (call["NextHopType"] is null || e.NextHop.Type == call["NextHopType"])
            && (call["ServiceType"] is null || e.ServiceType == call["ServiceType"]);
    }

    private static string IpVersionOf(RouteEntry e) => e.Destination.IsIpv6 ? "ipv6" : "ipv4";

    private static object Write(CloudState state, RouteEntry e)
    {
        var alive = Exists(state, e.NextHop);
        return new
        {
            RouteEntryId = e.Id,
            RouteEntryName = e.Name,
            e.Description,
            RouteTableId = e.Table.Id,
            DestinationCidrBlock = e.Destination.ToString(),
            IpVersion = IpVersionOf(e),
            e.Type,
            Status = e.Status.ToString(),
            Origin = e.Type switch { "System" => "SystemCreate", "Custom" => "CustomCreate", _ => "RoutePropagation" },
            ServiceType = e.ServiceType ?? "",
            GmtModified = e.Modified.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null),
            NextHops = new
            {
                NextHop = new[]
                {
                    new
                    {
                        NextHopId = e.NextHop.Id, NextHopType = e.NextHop.Type, Weight = 0, Enabled = alive ? 1 : 0,
                            NextHopRegionId = state.RegionId,
                        NextHopRelatedInfo = new { InstanceId = "", InstanceType = "", RegionId = "" },
                    },
                },
            },
        };
    }
}
