using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flanneld.Commands.Config;

/// <summary>What a network configuration means for the living leases, by the rule of the daemon. Pure.</summary>
internal static class LeaseFit
{
    /// <summary>One line for each lease that the configuration does not allow, with what its node does.</summary>
    public static IReadOnlyList<string> FindMisfits(NetworkConfig config, IEnumerable<Lease> leases) =>
        [.. leases.Where(lease => !SubnetAllocator.Fits(config, lease.Key)).Select(lease => PrintableText.Of(Describe(config, lease)))];

    /// <summary>One line for each other backend that nodes have leases of.</summary>
    public static IReadOnlyList<string> FindOtherBackends(NetworkConfig config, IEnumerable<Lease> leases) =>
    [
        .. leases.Where(lease => !lease.IsReservation && lease.Attributes.BackendType.Length > 0
                && lease.Attributes.BackendType != config.BackendType)
            .CountBy(lease => lease.Attributes.BackendType)
            .Select(other => $"{Plural.Of(other.Value, "node has a lease", "nodes have leases")} of backend"
                + $" {PrintableText.Of(other.Key)}:"
                + $" backend {config.BackendType} is used when each starts again; restart all of them, one after the other"),
    ];

    private static string Describe(NetworkConfig config, Lease lease)
    {
        var node = LeaseInstance.Read(lease.Attributes)?.Id is { } instance
            ? $"{lease.Attributes.PublicIp} ({instance})"
            : lease.Attributes.PublicIp.ToString();
        var subnets = string.Join(" and ", lease.Destinations);
        return $"{(lease.IsReservation ? "reservation" : "lease")} {subnets} of {node} does not fit: {Consequence(config, lease)}";
    }

    private static string Consequence(NetworkConfig config, Lease lease)
    {
        if (lease.IsReservation) return "it is no longer used";
        if (!SubnetAllocator.Fits(config, lease.Subnet)) return "the node takes another subnet when it starts again";
        var ipv6 = config.Ipv6 is null ? "has no IPv6 subnet" : "takes another IPv6 subnet";
        return $"the node keeps {lease.Subnet}, and {ipv6} when it starts again";
    }
}
