using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>DescribeVSwitchAttributes and DescribeVSwitches.</summary>
internal static class VSwitchActions
{
    public static ApiAction[] All { get; } =
    [
        new("vpc", "DescribeVSwitchAttributes", Describe, Text("VSwitchId").Mandatory(), Text("RegionId"), Boolean("DryRun")),
        new("vpc", "DescribeVSwitches", List,
            Text("RegionId"), Text("VpcId"), Text("VSwitchId"), Text("ZoneId"), Text("RouteTableId"), Text("VSwitchName"),
                Boolean("DryRun"),
            Paging.Number, Paging.Size(50)),
    ];

    private static ApiResult Describe(CloudState state, Parameters call)
    {
        if (state.VSwitches.FirstOrDefault(v => v.Id == call["VSwitchId"]) is not { } vSwitch) return ApiErrors.UnknownVSwitch;
        if (call.DryRun) return ApiErrors.DryRunPassed;
        return new Done(new
        {
            VSwitchId = vSwitch.Id,
            VpcId = vSwitch.Vpc.Id,
            CidrBlock = vSwitch.Cidr.ToString(),
            Ipv6CidrBlock = vSwitch.Ipv6Cidr?.ToString() ?? "",
            vSwitch.ZoneId,
            Status = "Available",
            ShareType = "",
            OwnerId = state.AccountId,
            VSwitchName = "",
            Description = "",
            AvailableIpAddressCount = AvailableAddresses(state, vSwitch),
            IsDefault = false,
            RouteTable = new { RouteTableId = vSwitch.Table.Id, RouteTableType = vSwitch.Table.Type },
        });
    }

    private static ApiResult List(CloudState state, Parameters call)
    {
        if (call["RegionId"] is null && call["VpcId"] is null) return ApiErrors.Missing("RegionId");
        if (call.DryRun) return ApiErrors.DryRunPassed;
        var ids = call["VSwitchId"]?.Split(',');
        var page = state.VSwitches.Where(v =>
            (call["VpcId"] is null || v.Vpc.Id == call["VpcId"])
            && (ids is null || ids.Contains(v.Id))
            && (call["ZoneId"] is null || v.ZoneId == call["ZoneId"])
            && (call["RouteTableId"] is null || v.Table.Id == call["RouteTableId"])
            && call["VSwitchName"] is null).Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            VSwitches = new
            {
                VSwitch = page.Items.Select(v => new
                {
                    VSwitchId = v.Id,
                    VpcId = v.Vpc.Id,
                    CidrBlock = v.Cidr.ToString(),
                    Ipv6CidrBlock = v.Ipv6Cidr?.ToString() ?? "",
                    v.ZoneId,
                    Status = "Available",
                    ShareType = "",
                    OwnerId = state.AccountId,
                    VSwitchName = "",
                    AvailableIpAddressCount = AvailableAddresses(state, v),
                    RouteTable = new { RouteTableId = v.Table.Id, RouteTableType = v.Table.Type },
                }),
            },
        });
    }

    // The cloud reserves the first and the last three addresses of a vSwitch.
    private static long AvailableAddresses(CloudState state, VSwitch vSwitch) =>
        (1L << (32 - vSwitch.Cidr.Length)) - 4 - state.Interfaces.Count(i => i.VSwitch == vSwitch);
}
