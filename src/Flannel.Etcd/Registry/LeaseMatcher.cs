using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>The leases that belong to this node or have its public address, by what is to be done with them.</summary>
/// <param name="Found">The one to use.</param>
/// <param name="Unfit">One to delete, because the configuration no longer allows it; null if there is one to use.</param>
/// <param name="UnfitReservations">Not deleted: an operator created them.</param>
/// <param name="AddressInUse">Another instance's lease with this node's public address; null if there is none.</param>
internal sealed record LeaseMatcher(Lease? Found, Lease? Unfit, IReadOnlyList<Lease> UnfitReservations, Lease? AddressInUse)
{
    private sealed record Candidate(Lease Lease, LeaseOwnerKind Owner);

    public static LeaseMatcher Choose(SubnetState state, NetworkConfig config, LeaseOwner owner)
    {
        var candidates = state.Leases.Select(lease => new Candidate(lease, owner.Classify(lease))).ToList();
        // With several, a reservation comes first, because an operator made it; then the lease that names this instance, then the subnet
        // that the node's containers use now, then the oldest. The lease of a former instance comes last.
        var found = candidates
            .Where(each => each.Owner is LeaseOwnerKind.Own or LeaseOwnerKind.OfFormerInstance && Fits(config, each.Lease.Key))
            .OrderBy(each => each.Owner)
            .ThenByDescending(each => each.Lease.IsReservation)
            .ThenByDescending(each => owner.Instance is not null && LeaseInstance.Read(each.Lease.Attributes) is not null)
            .ThenByDescending(each => each.Lease.Subnet == owner.PreviousSubnet)
            .ThenBy(each => each.Lease.CreateRevision)
            .Select(each => each.Lease)
            .FirstOrDefault();
        var unfit = candidates
            .Where(each => each.Owner == LeaseOwnerKind.Own && !Fits(config, each.Lease.Key))
            .Select(each => each.Lease)
            .ToList();
        return new LeaseMatcher(
            found,
            found is null ? unfit.Find(lease => !lease.IsReservation) : null,
            unfit.FindAll(lease => lease.IsReservation),
            candidates.Find(each => each.Owner == LeaseOwnerKind.AddressInUse)?.Lease);
    }

    /// <summary>A dual-stack lease fits while the configuration is dual-stack. Its IPv6 subnet is not used.</summary>
    public static bool Fits(NetworkConfig config, SubnetKey key) =>
        SubnetAllocator.Fits(config, key.Subnet)
        && (key.Ipv6Subnet is not { } ipv6 || (config.Ipv6Network is { } network && network.Contains(ipv6.Address)));
}
