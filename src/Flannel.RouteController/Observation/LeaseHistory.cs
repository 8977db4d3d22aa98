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
    public DesiredVpcState AddTo(DesiredVpcState state) =>
        AddTo(state, isIpv6: false) with { Ipv6 = state.Ipv6 is { } ipv6 ? AddTo(ipv6, isIpv6: true) : null };

    private DesiredVpcState AddTo(DesiredVpcState state, bool isIpv6)
    {
        return state with
        {
            Ended = [.. ended.All.Where(IsOfState)],
            EndedRecently = [.. ended.Recent.Where(IsOfState)],
            ListedReleases = [.. releases.All.Where(release => release.Vpc == state.Vpc)],
        };

        bool IsOfState(EndedLease lease) => lease.Vpc == state.Vpc && lease.Subnet.IsV6 == isIpv6;
    }
}
