using System.Text.Json;
using System.Text.Json.Nodes;
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
            Vpcs = new { Vpc = page.Items.Select(v => WithTables(state, v)) },
        });
    }

    private static ApiResult Describe(CloudState state, Parameters call)
    {
        if (state.FindVpc(call["VpcId"]) is not { } vpc) return ApiErrors.UnknownVpcId;
        if (call.DryRun) return ApiErrors.DryRunPassed;
        return new Done(Attributes(state, vpc));
    }

    private static JsonObject WithTables(CloudState state, Vpc vpc)
    {
        var attributes = Attributes(state, vpc);
        attributes["RouterTableIds"] = JsonSerializer.SerializeToNode(new { RouterTableIds = vpc.Tables.Select(t => t.Id) });
        return attributes;
    }

    /// <summary>What the list and the single call have in common.</summary>
    private static JsonObject Attributes(CloudState state, Vpc vpc) => JsonSerializer.SerializeToNode(new
    {
        VpcId = vpc.Id,
        VRouterId = vpc.RouterId,
        state.RegionId,
        CidrBlock = vpc.Cidr.ToString(),
        SecondaryCidrBlocks = new { SecondaryCidrBlock = vpc.SecondaryCidrs.Select(c => c.ToString()) },
        UserCidrs = new { UserCidr = vpc.UserCidrs },
        Ipv6CidrBlock = vpc.Ipv6Cidr?.ToString() ?? "",
        Ipv6CidrBlocks = new
        {
            Ipv6CidrBlock = vpc.Ipv6Cidr is { } ipv6 ? [new { Ipv6CidrBlock = ipv6.ToString(), Ipv6Isp = "BGP" }] : Array.Empty<object>(),
        },
        VSwitchIds = new { VSwitchId = vpc.VSwitches.Select(s => s.Id) },
        Status = "Available",
        EnabledIpv6 = vpc.Ipv6Cidr is not null,
        IsDefault = false,
        OwnerId = state.AccountId,
        VpcName = "",
        Description = "",
    })!.AsObject();
}
