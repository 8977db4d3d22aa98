using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>The leases that belong to this node, or carry its public address, sorted by what is to be done with them.</summary>
/// <param name="Found">The one to use.</param>
/// <param name="Unfit">One to give up, because the configuration does not allow it any more; null while there is one to use.</param>
/// <param name="UnfitReservations">Left alone: an operator made them.</param>
/// <param name="AddressInUse">Another instance's lease with this node's public address; null without one.</param>
internal sealed record LeaseMatcher(Lease? Found, Lease? Unfit, IReadOnlyList<Lease> UnfitReservations, Lease? AddressInUse)
{
    public static LeaseMatcher Choose(RegistryState state, NetworkConfig config, LeaseOwner owner)
    {
        var judged = state.Leases.Select(lease => (Lease: lease, Ownership: owner.Judge(lease))).ToList();
        var own = judged.Where(each => each.Ownership == LeaseOwnerKind.Own).Select(each => each.Lease).ToList();
        // Several are an accident or an operator's wish. A reservation is a wish; then what the instance itself has, then what its
        // containers use now, then the oldest. What an instance left that is gone comes last.
        var found = judged
            .Where(each => each.Ownership is LeaseOwnerKind.Own or LeaseOwnerKind.OfGoneInstance && Fits(config, each.Lease.Key))
            .OrderBy(each => each.Ownership)
            .ThenByDescending(each => each.Lease.IsReservation)
            .ThenByDescending(each => owner.Instance is not null && LeaseInstance.Read(each.Lease.Attributes) is not null)
            .ThenByDescending(each => each.Lease.Subnet == owner.PreviousSubnet)
            .ThenBy(each => each.Lease.CreateRevision)
            .Select(each => each.Lease)
            .FirstOrDefault();
        var unfit = own.Where(lease => !Fits(config, lease.Key)).ToList();
        return new LeaseMatcher(
            found,
            found is null ? unfit.Find(lease => !lease.IsReservation) : null,
            unfit.FindAll(lease => lease.IsReservation),
            judged.FirstOrDefault(each => each.Ownership == LeaseOwnerKind.AddressInUse).Lease);
    }

    /// <summary>A dual-stack lease stays good while the configuration is dual-stack; its IPv6 half is not used.</summary>
    public static bool Fits(NetworkConfig config, SubnetKey key) =>
        SubnetAllocator.Fits(config, key.Subnet)
        && (key.Ipv6Subnet is not { } ipv6 || (config.Ipv6Network is { } network && network.Contains(ipv6.Address)));
}
