using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.Core.Tests.Leases;

/// <summary>The identity of a lease of a subnet manager in memory.</summary>
/// <param name="Holding">Distinguishes holdings that were created at one time, as after a restore; 0 for a reservation.</param>
internal sealed record TestLeaseIdentity(long Created, long Holding) : LeaseIdentity
{
    public override long Order => Created;

    public override bool IsReservation => Holding == 0;

    public override bool AreVersionsOrdered => true;
}

/// <summary>A route status of a subnet manager in memory.</summary>
internal sealed record TestRouteStatus(RouteStatus Status, long Holding, long Written) : PublishedRouteStatus(Status)
{
    protected override bool BelongsTo(LeaseIdentity identity) =>
        identity is TestLeaseIdentity lease && Holding == lease.Holding && Written > lease.Created;
}
