using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>The checks immediately before a write is sent: it is within the rate limit, it was planned from fresh entries, the VPC's ranges
/// are known, and the store confirms a deletion.</summary>
internal sealed class WriteGuard(
    VpcId vpc, RateLimitedCloudApi api, VpcEntries entries, CidrConflicts cidrs, DeletionPolicy deletions, VpcFailures failures)
{
    /// <returns>Null if the write may be sent now.</returns>
    public async Task<ExecutionResult?> CheckAsync(RouteWrite write, DesiredVpcState desired, CancellationToken cancellation)
    {
        // The wait is here and not within the call: after it, the entries and the proof would be too old.
        if (api.DelayOf(vpc.RegionId, write.ApiAction) is var delay && delay > TimeSpan.Zero) return new ExecutionResult.After(delay);
        if (write is RouteWrite.DeleteMany && !entries.AreCompletelyRead(write.TableIds))
        {
            entries.Refresh(write.TableIds);
            return WhenRead(write);
        }

        if (!entries.AreFresh(write.Keys))
        {
            foreach (var key in write.Keys) entries.Invalidate(key, ExpectedEntry.AsBefore);
            return WhenRead(write);
        }

        if (cidrs.IsAwaited && write is RouteWrite.CreateMany or RouteWrite.CreateOne)
        {
            return await cidrs.CompleteAsync(desired, cancellation) is { } error
                ? new ExecutionResult.After(failures.FailRead(error))
                : new ExecutionResult.Again();
        }

        return write is RouteWrite.DeleteMany deletion && !await deletions.IsProvenAsync(deletion, cancellation)
            ? new ExecutionResult.Again()
            : null;
    }

    /// <summary>A table that is not read any more never becomes fresh, and one that is read in the background does so later: without a
    /// pause the passes would spin.</summary>
    private ExecutionResult WhenRead(RouteWrite write) =>
        failures.MayRead && entries.AreRead(write.TableIds) && !entries.AreInBackground(write.TableIds)
            ? new ExecutionResult.Again()
            : new ExecutionResult.Blocked();
}
