using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>The VPC's own ranges, read before the first route is created and at every full resync. The ranges of the vSwitches are
/// published, so that no node leases a subnet that overlaps one.</summary>
internal sealed class CidrConflicts(VpcContext context, IRouteStatusSink sink)
{
    private const int MostFailures = 3;

    private readonly HashSet<string> logged = [];
    private CidrConflictCheck? check;
    private int failures;

    public bool IsDue { get; private set; } = true;

    public void Invalidate() => IsDue = true;

    /// <summary>Why the API would reject the destination. Null if it would not, and while the ranges are unknown.</summary>
    public string? RejectionOf(IpNetwork destination) => check?.RejectionOf(destination);

    /// <summary>False for a destination that only the call for one entry accepts.</summary>
    public bool FitsBatch(IpNetwork destination) =>
        check is { } known ? known.FitsBatch(destination) : !CidrConflictCheck.IsInServices(destination);

    /// <returns>An error if a retry may succeed. Null also if the ranges remain unknown: the API then rejects invalid routes.</returns>
    public async Task<CloudError?> ReadAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        var vpcTask = context.Api.DescribeVpcAttributeAsync(context.RegionId, context.Vpc.Id, cancellation);
        var vSwitches = await context.Api.DescribeVSwitchesAsync(context.RegionId, context.Vpc.Id, cancellation);
        var vpc = await vpcTask;
        IsDue = false;
        if ((vpc.Error ?? vSwitches.Error) is { } error)
        {
            failures++;
            IsDue = error.Kind is CloudErrorKind.Retry or CloudErrorKind.RefreshCredentials && failures < MostFailures;
            if (IsDue) return error;
            RouteControllerLog.OverlapUnknown(context.Log, context.Vpc, error.DeniedAction ?? error.Code, error.RequestId);
            return null;
        }

        failures = 0;
        check = CidrConflictCheck.Of(vpc.Value!, vSwitches.Value!);
        await sink.PublishVSwitchesAsync(context.Vpc.Id, check.VSwitches, cancellation);
        Log(check, desired);
        return null;
    }

    private void Log(CidrConflictCheck check, DesiredVpcState desired)
    {
        var warnings = desired.Network?.Ipv4 is { } network ? check.Warnings(network) : [];
        foreach (var line in warnings.Where(logged.Add)) RouteControllerLog.Overlap(context.Log, context.Vpc, line);
        foreach (var node in desired.RoutesOfNodes)
        {
            if (check.RejectionOf(node.Destination) is { } reason && logged.Add(reason))
                RouteControllerLog.NodeNotRouted(context.Log, context.Vpc, node.Destination, node.Node.InstanceId, reason);
        }
    }
}
