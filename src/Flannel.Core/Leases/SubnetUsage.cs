using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>How many IPv4 subnets a cluster has.</summary>
/// <param name="Total">Of the range that the network configuration names.</param>
/// <param name="Leased">Leases, also those outside that range.</param>
/// <param name="Free">Subnets of the range that no lease overlaps.</param>
public sealed record SubnetUsage(long Total, int Leased, long Free)
{
    public static SubnetUsage Of(NetworkConfig config, IReadOnlyCollection<Lease> leases) => new(
        config.SubnetCount, leases.Count, SubnetAllocator.CountFree(config, leases.Select(lease => lease.Subnet)));
}
