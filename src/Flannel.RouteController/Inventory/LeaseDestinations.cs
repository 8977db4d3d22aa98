using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Inventory;

/// <summary>The leases of a snapshot by the destinations of their routes.</summary>
internal sealed class LeaseDestinations
{
    private readonly LeaseSnapshot snapshot;
    private readonly Dictionary<IpNetwork, Lease> holders = [];

    public LeaseDestinations(LeaseSnapshot snapshot)
    {
        this.snapshot = snapshot;
        // Of two leases for one subnet the older one gets the route.
        foreach (var lease in snapshot.Leases.OrderBy(lease => lease.Identity.Order))
        {
            foreach (var destination in lease.Destinations) holders.TryAdd(destination, lease);
        }
    }

    /// <summary>The leases whose node writes its own route: those of upstream flannel's ali-vpc.</summary>
    public IEnumerable<Lease> OfUpstream => snapshot.Leases.Where(lease =>
        lease is { IsReservation: false, Attributes.BackendType: FlannelContract.AliVpcBackend } && DesiredVpcState.RouteOf(lease) is null);

    public Lease? HolderOf(IpNetwork destination) => holders.GetValueOrDefault(destination);

    public bool Overlap(IpNetwork destination) => holders.Keys.Any(leased => leased.Overlaps(destination));

    /// <summary>Whether an entry leads elsewhere than to the node that leases its destination. That of a node of upstream flannel is not
    /// known.</summary>
    public static bool LeadsElsewhere(RouteEntry entry, IpNetwork destination, Lease lease) =>
        DesiredVpcState.RouteOf(lease) is { } route
        && !(destination.IsV6 ? route with { IsIpv6 = true } : route).IsSatisfiedBy(entry);
}
