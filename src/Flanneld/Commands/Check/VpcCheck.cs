using Flannel.AliCloud.Quotas;
using Flannel.Core.Addresses;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Backends;

namespace Flanneld.Commands.Check;

/// <summary>Checks this node's VPC: route tables, quota, overlapping ranges, source/destination check.</summary>
internal sealed class VpcCheck(CheckSection results)
{
    private const int QuotaWarningPercent = 80;
    private const string SeePermissions = "see the permissions above";

    /// <param name="vpc">What the API reported about the VPC.</param>
    /// <param name="network">Null without a network configuration.</param>
    public void Run(PermissionCheck vpc, AliVpcBackendConfig backend, AliVpcBackendData self, Ipv4Network? network)
    {
        CheckRouteTables(vpc, backend);
        CheckQuota(vpc);
        if (network is { } range) CheckOverlaps(vpc, range);
        results.Add(DescribeSourceDestCheck(vpc.SourceDestCheck, self.NetworkInterfaceId));
    }

    private void CheckRouteTables(PermissionCheck vpc, AliVpcBackendConfig backend)
    {
        var kind = CheckKind.RouteTable;
        if (vpc.VSwitch.Value is not { } vSwitch)
        {
            var unknown = CheckResult.Unknown(kind, $"not read: {vpc.VSwitch.Error!.Summary}");
            results.Add(unknown with { Advice = SeePermissions });
            return;
        }

        results.Add(CheckResult.Ok(kind, $"{vSwitch.RouteTableId} serves {vSwitch.VSwitchId}"));
        if (vpc.Tables.Value is not { } tables) return;
        foreach (var configured in backend.RouteTableIds)
        {
            var table = tables.FirstOrDefault(known => known.RouteTableId == configured);
            if (table is null)
            {
                results.Add(CheckResult.Problem(
                    kind, $"{configured}, of the configuration's RouteTableID, is not in {vSwitch.VpcId}",
                    "correct RouteTableID, or omit it"));
            }
            else if (table.IsGateway)
            {
                results.Add(CheckResult.Problem(
                    kind, $"{configured}, of the configuration's RouteTableID, is the table of a gateway",
                    "omit it: it serves no vSwitch"));
            }
        }
    }

    private void CheckQuota(PermissionCheck vpc)
    {
        var kind = CheckKind.Quota;
        if (vpc.Entries?.Value is not { } entries) return;
        var used = entries.Count(entry => entry.IsCustom);
        var limit = vpc.Quota.Value?.Total ?? RouteEntryQuota.Default;
        var assumed = vpc.Quota.Value is null ? " (the limit is assumed)" : "";
        var detail = $"{used} of {limit} custom entries{assumed}, {Math.Max(0, limit - used)} left, one for each node";
        const string advice =
            $"request more of {RouteEntryQuota.Code} (product vpc, https://quotas.console.alibabacloud.com), or use the vxlan backend";
        if (used >= limit) results.Add(CheckResult.Problem(kind, detail, advice));
        else if (used * 100L >= limit * (long)QuotaWarningPercent) results.Add(CheckResult.Warning(kind, detail, advice));
        else results.Add(CheckResult.Ok(kind, detail));
    }

    private void CheckOverlaps(PermissionCheck found, Ipv4Network network)
    {
        var kind = CheckKind.Network;
        const string advice = "choose a network that overlaps none of the VPC's ranges, before the first node starts";
        if (found.Vpc.Value is not { } vpc || found.VSwitches.Value is not { } vSwitches)
        {
            var error = (found.Vpc.Error ?? found.VSwitches.Error)!.Summary;
            results.Add(CheckResult.Warning(kind, $"{network} is not compared with the VPC's ranges: {error}", SeePermissions));
            return;
        }

        var conflicts = CidrConflictCheck.Of(vpc, vSwitches);
        if (conflicts.RejectionOf(network) is { } rejection)
        {
            results.Add(CheckResult.Problem(kind, $"the API would reject its routes: {rejection}", advice));
            return;
        }

        var warnings = conflicts.Warnings(network);
        var detail = string.Join("; ", warnings);
        if (conflicts.OverlapsVSwitch(network))
            results.Add(CheckResult.Problem(kind, $"subnets that overlap a vSwitch are never leased: {detail}", advice));
        else if (warnings.Count == 0)
            results.Add(CheckResult.Ok(kind, $"{network} overlaps none of the VPC's ranges"));
        else
            results.Add(CheckResult.Warning(kind, detail, advice));
    }

    private static CheckResult DescribeSourceDestCheck(bool? isOn, string networkInterfaceId)
    {
        var kind = CheckKind.SourceDestCheck;
        return isOn switch
        {
            false => CheckResult.Ok(kind, $"off at {networkInterfaceId}"),
            true => CheckResult.Note(
                kind, $"on at {networkInterfaceId}: the route controller switches it off when this node joins"),
            null => CheckResult.Warning(
                kind, $"unknown at {networkInterfaceId}", "make sure that it is off; otherwise packets of containers are dropped"),
        };
    }
}
