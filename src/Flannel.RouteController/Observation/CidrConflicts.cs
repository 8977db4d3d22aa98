using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>The VPC's own ranges, read before anything is created among them, and seldom again. Those of the vSwitches are published, so
/// that no node leases a subnet that overlaps one.</summary>
internal sealed class CidrConflicts(VpcId vpc, ICloudApi api, IRouteControllerTerm term, ILogger log)
{
    private const int MostFailures = 3;
    private readonly HashSet<string> mentioned = [];
    private CidrConflictCheck? check;
    private int failures;

    public bool IsDue { get; private set; } = true;

    public void Recheck() => IsDue = true;

    /// <summary>Null also while nothing is known of the VPC: the API refuses by itself what it must.</summary>
    public string? RefusalOf(Ipv4Network destination) => check?.RefusalOf(destination);

    public bool FitsBatch(Ipv4Network destination) =>
        check is { } known ? known.FitsBatch(destination) : !CidrConflictCheck.IsInServices(destination);

    /// <summary>An error only while it is worth waiting for a better answer.</summary>
    public async Task<CloudError?> LookAsync(DesiredVpcState view, CancellationToken cancellation)
    {
        var facts = api.DescribeVpcAttributeAsync(vpc.RegionId, vpc.Id, cancellation);
        var vSwitches = await api.DescribeVSwitchesAsync(vpc.RegionId, vpc.Id, cancellation);
        var own = await facts;
        IsDue = false;
        if ((own.Error ?? vSwitches.Error) is { } error)
        {
            failures++;
            IsDue = error.Kind is CloudErrorKind.Retry or CloudErrorKind.RefreshCredentials && failures < MostFailures;
            if (IsDue) return error;
            RouteControllerLog.OverlapUnknown(log, vpc, error.DeniedAction ?? error.Code, error.RequestId);
            return null;
        }

        failures = 0;
        check = new CidrConflictCheck(own.Value!, vSwitches.Value!);
        await term.PublishVSwitchesAsync(vpc.Id, check.VSwitches, cancellation);
        var warnings = view.Network is { } network ? check.Warnings(network) : [];
        foreach (var line in warnings.Where(mentioned.Add)) RouteControllerLog.Overlap(log, vpc, line);
        foreach (var node in view.Nodes)
        {
            if (check.RefusalOf(node.Destination) is { } reason && mentioned.Add(reason))
            {
                RouteControllerLog.NodeRefused(log, vpc, node.Destination, node.Node.InstanceId, reason);
            }
        }

        return null;
    }
}
