using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>The VPC's own ranges, read when a term begins and at every full resync, concurrently. No route is created before the first
/// read has ended. The ranges of the vSwitches are published, so that no node leases a subnet that overlaps one.</summary>
/// <param name="changed">Called when a read has ended.</param>
internal sealed class CidrConflicts(VpcContext context, IRouteStatusSink sink, Action changed)
{
    private const int MostFailures = 3;

    /// <summary>How soon a read that failed is repeated, if no route to create waits for it.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private readonly HashSet<string> logged = [];
    private Task<RangeRead>? reading;
    private Task publishing = Task.CompletedTask;
    private CidrConflictCheck? check;
    private bool isDue = true;
    private int failures;
    private long? failedAt;

    private sealed record RangeRead(CloudResult<VpcAttributes> Vpc, CloudResult<IReadOnlyList<VSwitchAttributes>> VSwitches);

    /// <summary>Whether a creation must wait for <see cref="CompleteAsync"/>: the first read has not ended yet.</summary>
    public bool IsAwaited => check is null && (isDue || reading is not null);

    public void Invalidate() => isDue = true;

    /// <summary>Why the API would reject the destination. Null if it would not, and while the ranges are unknown.</summary>
    public string? RejectionOf(IpNetwork destination) => check?.RejectionOf(destination);

    /// <summary>False for a destination that only the call for one entry accepts.</summary>
    public bool FitsBatch(IpNetwork destination) =>
        check is { } known ? known.FitsBatch(destination) : !CidrConflictCheck.IsInServices(destination);

    /// <summary>Starts a read if one is due. <see cref="ApplyReadAsync"/> of this pass or a later one applies the result.</summary>
    public void StartReadIfDue(CancellationToken cancellation)
    {
        var isPaused = failedAt is { } at && context.Time.GetElapsedTime(at) < RetryInterval;
        if (isDue && !isPaused) reading ??= ReadAsync(cancellation);
    }

    /// <summary>Applies the result of a read that has ended. Throws what a publication that has ended threw.</summary>
    public async ValueTask ApplyReadAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        if (publishing.IsCompleted) await publishing;
        if (reading is { IsCompleted: true }) await CompleteAsync(desired, cancellation);
    }

    /// <summary>Waits for the read.</summary>
    /// <returns>An error if a retry may succeed. Null also if the ranges remain unknown: the API then rejects invalid routes.</returns>
    public async Task<CloudError?> CompleteAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        var read = await (reading ??= ReadAsync(cancellation));
        reading = null;
        return Apply(read, desired, cancellation);
    }

    private async Task<RangeRead> ReadAsync(CancellationToken cancellation)
    {
        isDue = false;
        var vpc = context.Api.DescribeVpcAttributeAsync(context.RegionId, context.Vpc.Id, cancellation);
        var vSwitches = context.Api.DescribeVSwitchesAsync(context.RegionId, context.Vpc.Id, cancellation);
        await Task.WhenAll(vpc, vSwitches);
        changed();
        return new RangeRead(await vpc, await vSwitches);
    }

    private CloudError? Apply(RangeRead read, DesiredVpcState desired, CancellationToken cancellation)
    {
        if ((read.Vpc.Error ?? read.VSwitches.Error) is { } error)
        {
            failures++;
            failedAt = context.Time.GetTimestamp();
            isDue = error.Kind is CloudErrorKind.Retry or CloudErrorKind.RefreshCredentials && failures < MostFailures;
            if (isDue) return error;
            RouteControllerLog.OverlapUnknown(context.Log, context.Vpc, error.DeniedAction ?? error.Code, error.RequestId);
            return null;
        }

        (failures, failedAt) = (0, null);
        check = CidrConflictCheck.Of(read.Vpc.Value!, read.VSwitches.Value!);
        publishing = PublishAsync(publishing, check.VSwitches, cancellation);
        Log(check, desired);
        return null;
    }

    /// <summary>No pass waits for it, because no route depends on it.</summary>
    private async Task PublishAsync(Task before, IReadOnlyList<Ipv4Network> vSwitches, CancellationToken cancellation)
    {
        await before;
        try
        {
            await sink.PublishVSwitchesAsync(context.Vpc.Id, vSwitches, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The term is over.
        }
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
