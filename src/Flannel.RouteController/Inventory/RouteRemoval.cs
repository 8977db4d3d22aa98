using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Leases;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>Deletes listed routes of one VPC in batches, and retries while another writer keeps the VPC busy. A batch that may have failed
/// because of its size is repeated in smaller ones.</summary>
/// <param name="readLeases">Called before each call: a route that a lease desires by then is kept.</param>
internal sealed class RouteRemoval(
    VpcId vpc, ICloudApi api, Func<Task<LeaseSnapshot>> readLeases, TimeProvider time, Random random, ILogger log)
{
    private readonly DeletionRetries retries = new(time, random);
    private readonly List<string> problems = [];
    private int deleted;

    public async Task<RouteRemovalResult> RunAsync(IEnumerable<ListedRoute> routes, CancellationToken cancellation)
    {
        var open = routes.ToList();
        while (open.Count > 0)
        {
            var batch = open.Take(retries.Size.Current).ToList();
            open.RemoveRange(0, batch.Count);
            batch = await WithoutLeasedAsync(batch);
            if (batch.Count == 0) continue;
            var result = await api.DeleteRouteEntriesAsync(vpc.RegionId, [.. batch.Select(route => route.Entry)], cancellation);
            if (result.Value is { } results) CountResults(batch, results);
            else if (retries.PauseAfter(vpc, batch.Count, result.Error!, log) is { } pause)
            {
                open.InsertRange(0, batch);
                await Task.Delay(pause, time, cancellation);
            }
            else
            {
                // The next batch would fail in the same way, after the same time.
                if (retries.IsExhausted && RouteErrors.ConcernsVpc(result.Error!)) (batch, open) = ([.. batch, .. open], []);
                problems.AddRange(batch.Select(route => $"{Name(route.Entry)}: {Reason(result.Error!)}"));
            }
        }

        return new RouteRemovalResult(deleted, problems);
    }

    private async Task<List<ListedRoute>> WithoutLeasedAsync(List<ListedRoute> batch)
    {
        var snapshot = await readLeases();
        var leased = batch.Where(route => !snapshot.IsComplete || snapshot.Leases.Any(lease => IsDesiredBy(lease, route))).ToList();
        problems.AddRange(leased.Select(route => $"{Name(route.Entry)}: a lease desires it by now"));
        return [.. batch.Except(leased)];
    }

    private void CountResults(List<ListedRoute> batch, BatchResult results)
    {
        retries.Answered(batch.Count);
        // A deletion whose response was lost may have been executed: the next attempt then finds no entry.
        var failures = results.Failures.Where(failure => failure.Error.Kind != CloudErrorKind.AlreadyDone).ToList();
        problems.AddRange(failures.Select(failure => $"{failure.RouteEntryId}: {failure.Error.Code} {failure.Error.Message}"));
        deleted += batch.Count - failures.Count;
    }

    /// <summary>Another cluster's entry that overlaps a lease of this one may be deleted, unless it leads to the lease's own
    /// node.</summary>
    private static bool IsDesiredBy(Lease lease, ListedRoute route) =>
        lease.Destinations.Any(leased => leased.Overlaps(route.Entry.Destination!.Value))
        && (route.Kind != ListedKind.OtherCluster || DesiredVpcState.RouteOf(lease) is not { } node || node.IsSatisfiedBy(route.Entry));

    private static string Reason(CloudError error) =>
        (error.Kind == CloudErrorKind.Denied ? error.Denial : $"{error.Code} {error.Message}") + error.RequestNote;

    private static string Name(RouteEntry entry) => $"{entry.RouteEntryId} ({entry.RouteTableId} {entry.DestinationText})";
}

/// <param name="Problems">For each route that was not deleted, one line.</param>
public sealed record RouteRemovalResult(int Deleted, IReadOnlyList<string> Problems);
