using Flannel.AliCloud.Quotas;
using Flannel.Core.Addresses;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Backends;

namespace Flanneld.Commands.Check;

/// <summary>Checks this node's VPC: route tables, quota, overlapping ranges, source/destination check.</summary>
internal sealed class VpcCheck(CheckSection report)
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
        report.Add(DescribeSourceDestCheck(vpc.SourceDestCheck, self.NetworkInterfaceId));
    }

    private void CheckRouteTables(PermissionCheck vpc, AliVpcBackendConfig backend)
    {
        var subject = CheckKind.RouteTable;
        if (vpc.VSwitch.Value is not { } vSwitch)
        {
            var unknown = CheckResult.Unknown(subject, $"not read: {vpc.VSwitch.Error!.Summary}");
            report.Add(unknown with { Advice = SeePermissions });
            return;
        }

        report.Add(CheckResult.Ok(subject, $"{vSwitch.RouteTableId} serves {vSwitch.VSwitchId}"));
        if (vpc.Tables.Value is not { } tables) return;
        foreach (var configured in backend.RouteTableIds)
        {
            var table = tables.FirstOrDefault(known => known.RouteTableId == configured);
            if (table is null)
            {
                report.Add(CheckResult.Problem(
                    subject, $"{configured}, of the configuration's RouteTableID, is not in {vSwitch.VpcId}",
                    "correct RouteTableID, or omit it"));
            }
            else if (table.IsGateway)
            {
                report.Add(CheckResult.Problem(
                    subject, $"{configured}, of the configuration's RouteTableID, is the table of a gateway",
                    "omit it: it serves no vSwitch"));
            }
        }
    }

    private void CheckQuota(PermissionCheck vpc)
    {
        var subject = CheckKind.Quota;
        if (vpc.Entries?.Value is not { } entries) return;
        var used = entries.Count(entry => entry.IsCustom);
        var limit = vpc.Quota.Value?.Total ?? RouteEntryQuota.Default;
        var assumed = vpc.Quota.Value is null ? " (the limit is assumed)" : "";
        var detail = $"{used} of {limit} custom entries{assumed}, {Math.Max(0, limit - used)} left, one for each node";
        const string advice =
            $"request more of {RouteEntryQuota.Code} (product vpc, https://quotas.console.alibabacloud.com), or use the vxlan backend";
        if (used >= limit) report.Add(CheckResult.Problem(subject, detail, advice));
        else if (used * 100L >= limit * (long)QuotaWarningPercent) report.Add(CheckResult.Warning(subject, detail, advice));
        else report.Add(CheckResult.Ok(subject, detail));
    }

    private void CheckOverlaps(PermissionCheck found, Ipv4Network network)
    {
        var subject = CheckKind.Network;
        const string advice = "choose a network that overlaps none of the VPC's ranges, before the first node starts";
        if (found.Vpc.Value is not { } vpc || found.VSwitches.Value is not { } vSwitches)
        {
            var error = (found.Vpc.Error ?? found.VSwitches.Error)!.Summary;
            report.Add(CheckResult.Warning(subject, $"{network} is not compared with the VPC's ranges: {error}", SeePermissions));
            return;
        }

        var conflicts = CidrConflictCheck.Of(vpc, vSwitches);
        if (conflicts.RejectionOf(network) is { } rejection)
        {
            report.Add(CheckResult.Problem(subject, $"the API would reject its routes: {rejection}", advice));
            return;
        }

        var warnings = conflicts.Warnings(network);
        var detail = string.Join("; ", warnings);
        if (conflicts.OverlapsVSwitch(network))
            report.Add(CheckResult.Problem(subject, $"subnets that overlap a vSwitch are never leased: {detail}", advice));
        else if (warnings.Count == 0)
            report.Add(CheckResult.Ok(subject, $"{network} overlaps none of the VPC's ranges"));
        else
            report.Add(CheckResult.Warning(subject, detail, advice));
    }

    private static CheckResult DescribeSourceDestCheck(bool? isOn, string networkInterfaceId)
    {
        var subject = CheckKind.SourceDestCheck;
        return isOn switch
        {
            false => CheckResult.Ok(subject, $"off at {networkInterfaceId}"),
            true => CheckResult.Note(
                subject, $"on at {networkInterfaceId}: the route controller switches it off when this node joins"),
            null => CheckResult.Warning(
                subject, $"unknown at {networkInterfaceId}", "make sure that it is off; otherwise packets of containers are dropped"),
        };
    }
}
