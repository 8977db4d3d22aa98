using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>The three calls of ECS 2014-05-26 that are about an interface's source/destination check.</summary>
internal static class NetworkInterfaceActions
{
    public static ApiAction[] All { get; } =
    [
        new("ecs", "DescribeNetworkInterfaces", List,
            Text("RegionId").Mandatory(), ParameterRule.List("NetworkInterfaceId", 100), Text("InstanceId"), Text("VpcId"), Text("VSwitchId"),
            OneOf("Type", null, "Primary", "Secondary"), Text("PrimaryIpAddress"), ParameterRule.List("PrivateIpAddress", 100), Paging.Number,
            Paging.Size(100)),
        new("ecs", "DescribeNetworkInterfaceAttribute", Describe, Text("RegionId").Mandatory(), Text("NetworkInterfaceId").Mandatory()),
        new("ecs", "ModifyNetworkInterfaceAttribute", Modify,
            Text("RegionId").Mandatory(), Text("NetworkInterfaceId").Mandatory(), Boolean("SourceDestCheck").Mandatory()),
    ];

    private static Done List(CloudState state, Parameters call)
    {
        var ids = call.Texts("NetworkInterfaceId");
        var addresses = call.Texts("PrivateIpAddress");
        var page = state.Interfaces.Where(i =>
            (ids.Count == 0 || ids.Contains(i.Id))
            && (call["InstanceId"] is null || i.Instance.Id == call["InstanceId"])
            && (call["VpcId"] is null || i.VSwitch.Vpc.Id == call["VpcId"])
            && (call["VSwitchId"] is null || i.VSwitch.Id == call["VSwitchId"])
            && (call["Type"] is null || TypeOf(i) == call["Type"])
            && (call["PrimaryIpAddress"] is null || Cidr.Write(i.PrivateIp) == call["PrimaryIpAddress"])
            && (addresses.Count == 0 || addresses.Contains(Cidr.Write(i.PrivateIp)))).Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            NextToken = "",
            NetworkInterfaceSets = new { NetworkInterfaceSet = page.Items.Select(i => Write(state, i)) },
        });
    }

    private static ApiAnswer Describe(CloudState state, Parameters call) =>
        state.FindInterface(call["NetworkInterfaceId"]) is { } found ? new Done(Write(state, found)) : Refusals.UnknownInterface;

    private static ApiAnswer Modify(CloudState state, Parameters call)
    {
        if (state.FindInterface(call["NetworkInterfaceId"]) is not { } found) return Refusals.UnknownInterface;
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
