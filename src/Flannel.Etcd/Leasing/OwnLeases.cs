using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Leasing;

/// <summary>The leases that carry this node's public address, sorted by what is to be done with them.</summary>
/// <param name="Found">The one to use.</param>
/// <param name="Unfit">One to give up, because the configuration does not allow it any more; null while there is one to use.</param>
/// <param name="UnfitReservations">Left alone: an operator made them.</param>
internal sealed record OwnLeases(Lease? Found, Lease? Unfit, IReadOnlyList<Lease> UnfitReservations)
{
    public static OwnLeases Choose(RegistryState state, NetworkConfig config, LeaseOwner owner)
    {
        var own = state.Leases.Where(lease => lease.Attributes.PublicIp == owner.PublicIp).ToList();
        // Several are an accident or an operator's wish. A reservation is a wish; then what the node's containers use now; then the oldest.
        var found = own.Where(lease => Fits(config, lease.Key))
            .OrderByDescending(lease => lease.IsReservation)
            .ThenByDescending(lease => lease.Subnet == owner.PreviousSubnet)
            .ThenBy(lease => lease.CreateRevision)
            .FirstOrDefault();
        var unfit = own.Where(lease => !Fits(config, lease.Key)).ToList();
        return new OwnLeases(
            found,
            found is null ? unfit.Find(lease => !lease.IsReservation) : null,
            unfit.FindAll(lease => lease.IsReservation));
    }

    /// <summary>A dual-stack lease stays good while the configuration is dual-stack; its IPv6 half is not used.</summary>
    public static bool Fits(NetworkConfig config, SubnetKey key) =>
        SubnetChoice.Fits(config, key.Subnet)
        && (key.Ipv6Subnet is not { } ipv6 || (config.Ipv6Network is { } network && network.Contains(ipv6.Address)));
}
