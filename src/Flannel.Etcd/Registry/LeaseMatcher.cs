using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>The leases that belong to this node or have its public address, by what is to be done with them.</summary>
/// <param name="Found">The one to use. Its IPv6 subnet may differ from what the configuration requires
/// (<see cref="HasRequiredIpv6"/>).</param>
/// <param name="Unfit">One to delete, because the configuration no longer allows it; null if there is one to use.</param>
/// <param name="UnfitReservations">Not deleted: an operator created them.</param>
/// <param name="AddressInUse">Another instance's lease with this node's public address; null if there is none.</param>
internal sealed record LeaseMatcher(Lease? Found, Lease? Unfit, IReadOnlyList<Lease> UnfitReservations, Lease? AddressInUse)
{
    private sealed record Candidate(Lease Lease, LeaseOwnerKind Owner);

    public static LeaseMatcher Choose(SubnetState state, NetworkConfig config, LeaseOwner owner)
    {
        var candidates = state.Leases.Select(lease => new Candidate(lease, owner.Classify(lease))).ToList();
        // With several, a reservation comes first, because an operator made it; then the lease that names this instance, then the one that
        // can be used as it is, then the subnet that the node's containers use now, then the oldest. The lease of a former instance comes
        // last.
        var found = candidates
            .Where(each => each.Owner is LeaseOwnerKind.Own or LeaseOwnerKind.OfFormerInstance && IsUsable(config, each.Lease))
            .OrderBy(each => each.Owner)
            .ThenByDescending(each => each.Lease.IsReservation)
            .ThenByDescending(each => owner.Instance is not null && LeaseInstance.Read(each.Lease.Attributes) is not null)
            .ThenByDescending(each => HasRequiredIpv6(config, each.Lease))
            .ThenByDescending(each => each.Lease.Subnet == owner.PreviousSubnet)
            .ThenBy(each => each.Lease.CreateRevision)
            .Select(each => each.Lease)
            .FirstOrDefault();
        var unfit = candidates
            .Where(each => each.Owner == LeaseOwnerKind.Own && !IsUsable(config, each.Lease))
            .Select(each => each.Lease)
            .ToList();
        return new LeaseMatcher(
            found,
            found is null ? unfit.Find(lease => !lease.IsReservation) : null,
            unfit.FindAll(lease => lease.IsReservation),
            candidates.Find(each => each.Owner == LeaseOwnerKind.AddressInUse)?.Lease);
    }

    /// <summary>Whether the lease has an IPv6 subnet exactly if the configuration requires one (upstream <c>isIPv6SubnetConfigCompat</c>).
    /// Otherwise its key is replaced. A reservation keeps an IPv6 subnet that is not used.</summary>
    public static bool HasRequiredIpv6(NetworkConfig config, Lease lease) => config.Ipv6 is { } ipv6
        ? lease.Key.Ipv6Subnet is { } subnet && Ipv6SubnetAllocator.Fits(ipv6, subnet)
        : lease.Key.Ipv6Subnet is null || lease.IsReservation;

    /// <summary>Whether the node keeps the IPv4 subnet of the lease. An operator's choice of an IPv6 subnet is not changed.</summary>
    private static bool IsUsable(NetworkConfig config, Lease lease) =>
        SubnetAllocator.Fits(config, lease.Subnet)
        && (!lease.IsReservation || lease.Key.Ipv6Subnet is null || HasRequiredIpv6(config, lease));
}
