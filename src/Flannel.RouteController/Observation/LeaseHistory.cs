using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>What the snapshots of the leases in one term say together: which leases ended, and which releases were listed.</summary>
internal sealed class LeaseHistory(TimeProvider time)
{
    private readonly EndedLeaseTracker ended = new(time);
    private readonly ListedReleaseTracker releases = new(time);

    public void Observe(LeaseSnapshot snapshot)
    {
        ended.Observe(snapshot);
        releases.Observe(snapshot);
    }

    /// <summary>The same state with the history of its VPC.</summary>
    public DesiredVpcState AddTo(DesiredVpcState state) => state with
    {
        Ended = [.. ended.All.Where(lease => lease.Vpc == state.Vpc)],
        EndedRecently = [.. ended.Recent.Where(lease => lease.Vpc == state.Vpc)],
        ListedReleases = [.. releases.All.Where(release => release.Vpc == state.Vpc)],
    };
}
