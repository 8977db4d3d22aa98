using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>A route status as the subnet manager has it. Each subnet manager has its own.</summary>
public abstract record PublishedRouteStatus(RouteStatus Status)
{
    /// <summary>True for the status of this holding of the subnet: neither of another node, nor of a lease that ended before.</summary>
    public bool Describes(Lease lease) =>
        BelongsTo(lease.Identity) && LeaseInstance.Read(lease.Attributes) is { } instance && Status.IsFor(lease.Subnet, instance.Id);

    /// <summary>Whether it was written during this holding of its subnet.</summary>
    protected abstract bool BelongsTo(LeaseIdentity identity);
}
