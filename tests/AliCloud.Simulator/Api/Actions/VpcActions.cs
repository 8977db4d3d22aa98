using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>DescribeVpcs and DescribeVpcAttribute.</summary>
internal static class VpcActions
{
    public static ApiAction[] All { get; } =
    [
        new("vpc", "DescribeVpcs", List, Text("RegionId").Mandatory(), Text("VpcId"), Text("VpcName"), Boolean("DryRun"), Paging.Number,
            Paging.Size(50)),
        new("vpc", "DescribeVpcAttribute", Describe, Text("VpcId").Mandatory(), Text("RegionId").Mandatory(), Boolean("IsDefault"),
            Boolean("DryRun")),
    ];

    private static ApiResult List(CloudState state, Parameters call)
    {
        var ids = call["VpcId"]?.Split(',');
        if (ids?.Length > 20) return ApiErrors.Invalid("VpcId", "at most 20, joined by commas");
        if (call.DryRun) return ApiErrors.DryRunPassed;
        var page = state.Vpcs.Where(v => (ids is null || ids.Contains(v.Id)) && call["VpcName"] is null).Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            Vpcs = new
            {
                Vpc = page.Items.Select(v => new
                {
                    VpcId = v.Id,
                    VRouterId = v.RouterId,
                    state.RegionId,
                    CidrBlock = v.Cidr.ToString(),
                    SecondaryCidrBlocks = new { SecondaryCidrBlock = v.SecondaryCidrs.Select(c => c.ToString()) },
                    UserCidrs = new { UserCidr = v.UserCidrs },
                    Ipv6CidrBlock = "",
                    Ipv6CidrBlocks = new { Ipv6CidrBlock = Array.Empty<object>() },
                    RouterTableIds = new { RouterTableIds = v.Tables.Select(t => t.Id) },
                    VSwitchIds = new { VSwitchId = v.VSwitches.Select(s => s.Id) },
                    Status = "Available",
                    EnabledIpv6 = false,
                    IsDefault = false,
                    OwnerId = state.AccountId,
                    VpcName = "",
                    Description = "",
                }),
            },
        });
    }

    private static ApiResult Describe(CloudState state, Parameters call)
    {
        if (state.FindVpc(call["VpcId"]) is not { } vpc) return ApiErrors.UnknownVpcId;
        if (call.DryRun) return ApiErrors.DryRunPassed;
        return new Done(new
        {
            VpcId = vpc.Id,
            VRouterId = vpc.RouterId,
            state.RegionId,
            CidrBlock = vpc.Cidr.ToString(),
            SecondaryCidrBlocks = new { SecondaryCidrBlock = vpc.SecondaryCidrs.Select(c => c.ToString()) },
            UserCidrs = new { UserCidr = vpc.UserCidrs },
            Ipv6CidrBlock = "",
            Ipv6CidrBlocks = new { Ipv6CidrBlock = Array.Empty<object>() },
            VSwitchIds = new { VSwitchId = vpc.VSwitches.Select(s => s.Id) },
            Status = "Available",
            EnabledIpv6 = false,
            IsDefault = false,
            OwnerId = state.AccountId,
            VpcName = "",
            Description = "",
        });
    }
}
