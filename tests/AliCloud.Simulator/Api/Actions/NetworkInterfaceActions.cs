using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>The three calls of ECS 2014-05-26 for the source/destination check of an interface.</summary>
internal sealed class NetworkInterfaceActions(TimeProvider time)
{
    private readonly NextTokens _tokens = new(time);

    public ApiAction[] All =>
    [
        new("ecs", "DescribeNetworkInterfaces", List,
            Text("RegionId").Mandatory(), ParameterRule.List("NetworkInterfaceId", 100), Text("InstanceId"), Text("VpcId"),
                Text("VSwitchId"),
            OneOf("Type", null, "Primary", "Secondary"), Text("PrimaryIpAddress"), ParameterRule.List("PrivateIpAddress", 100),
                Text("NextToken"),
            Integer("MaxResults", 10, 500), Paging.Number, Paging.Size(1000)),
        new("ecs", "DescribeNetworkInterfaceAttribute", Describe, Text("RegionId").Mandatory(), Text("NetworkInterfaceId").Mandatory()),
        new("ecs", "ModifyNetworkInterfaceAttribute", Modify,
            Text("RegionId").Mandatory(), Text("NetworkInterfaceId").Mandatory(), Boolean("SourceDestCheck").Mandatory()),
    ];

    private ApiResult List(CloudState state, Parameters call)
    {
        var byToken = (call["NextToken"] ?? call["MaxResults"]) is not null;
        if (byToken && (call["PageNumber"] ?? call["PageSize"]) is not null) return ApiErrors.Invalid(
            "PageNumber", "it excludes NextToken and MaxResults");
        var ids = call.Texts("NetworkInterfaceId");
        var addresses = call.Texts("PrivateIpAddress");
        var found = state.Interfaces.Where(i =>
            (ids.Count == 0 || ids.Contains(i.Id))
            && (call["InstanceId"] is null || i.Instance.Id == call["InstanceId"])
            && (call["VpcId"] is null || i.VSwitch.Vpc.Id == call["VpcId"])
            && (call["VSwitchId"] is null || i.VSwitch.Id == call["VSwitchId"])
            && (call["Type"] is null || TypeOf(i) == call["Type"])
            && (call["PrimaryIpAddress"] is null || Cidr.Write(i.PrivateIp) == call["PrimaryIpAddress"])
            && (addresses.Count == 0 || addresses.Contains(Cidr.Write(i.PrivateIp)))).ToList();
        if (byToken) return ListByToken(state, call, found);
        var page = found.Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            NextToken = "",
            NetworkInterfaceSets = new { NetworkInterfaceSet = page.Items.Select(i => Write(state, i)) },
        });
    }

    /// <summary>The documentation calls TotalCount invalid here. It is always 0, so that no client can rely on it.</summary>
    private ApiResult ListByToken(CloudState state, Parameters call, List<NetworkInterface> found)
    {
        long after = 0;
        if (call["NextToken"] is { } token && _tokens.Continue(token, call, out after) is not null) return ApiErrors.BadNextTokenOfEcs;
        var page = found.Skip((int)after).Take(call.Integer("MaxResults", 10)).ToList();
        var next = after + page.Count;
        return new Done(new
        {
            TotalCount = 0,
            NextToken = next < found.Count ? _tokens.New(call, next, TimeSpan.FromSeconds(state.Settings.NextTokenLifetimeSeconds)) : "",
            NetworkInterfaceSets = new { NetworkInterfaceSet = page.Select(i => Write(state, i)) },
        });
    }

    private static ApiResult Describe(CloudState state, Parameters call) =>
        state.FindInterface(call["NetworkInterfaceId"]) is { } found ? new Done(Write(state, found)) : ApiErrors.UnknownInterface;

    private static ApiResult Modify(CloudState state, Parameters call)
    {
        if (state.FindInterface(call["NetworkInterfaceId"]) is not { } found) return ApiErrors.UnknownInterface;
        found.SourceDestCheck = call.Boolean("SourceDestCheck")!.Value;
        state.Changed();
        return Done.Nothing;
    }

    private static string TypeOf(NetworkInterface i) => i.IsPrimary ? "Primary" : "Secondary";

    private static object Write(CloudState state, NetworkInterface i) => new
    {
        NetworkInterfaceId = i.Id,
        NetworkInterfaceName = "",
        Type = TypeOf(i),
        Status = "InUse",
        InstanceId = i.Instance.Id,
        VpcId = i.VSwitch.Vpc.Id,
        VSwitchId = i.VSwitch.Id,
        i.VSwitch.ZoneId,
        MacAddress = i.Mac,
        PrivateIpAddress = Cidr.Write(i.PrivateIp),
        PrivateIpSets = new { PrivateIpSet = new[] { new { PrivateIpAddress = Cidr.Write(i.PrivateIp), Primary = true } } },
        Ipv6Sets = new { Ipv6Set = Array.Empty<object>() },
        i.SourceDestCheck,
        OwnerId = state.AccountId,
        NetworkInterfaceTrafficMode = "Standard",
        Description = "",
    };
}
