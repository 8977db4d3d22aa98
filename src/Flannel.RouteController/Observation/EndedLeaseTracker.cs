using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>Which leases this controller saw end: a lease of one complete snapshot that is missing in a later one of the same listing. A
/// lease that is missing after a new listing proves nothing: etcd may have been restored, emptied or replaced.</summary>
internal sealed class EndedLeaseTracker(TimeProvider time)
{
    /// <summary>Leases that end within this time count as ended together.</summary>
    public static readonly TimeSpan TogetherWindow = TimeSpan.FromMinutes(5);

    /// <summary>Longer than a lease time: after that the absence itself is evidence (<see cref="AbsentLeaseTracker"/>).</summary>
    private static readonly TimeSpan Retention = FlannelContract.LeaseTime + TimeSpan.FromHours(1);

    private readonly Dictionary<Holding, EndedLease> ended = [];
    private readonly Dictionary<Holding, EndedLease> recent = [];
    private Dictionary<Holding, VpcId> known = [];
    private long? listing;

    /// <summary>A subnet and the next hop of the node that leases it.</summary>
    private sealed record Holding(IpNetwork Subnet, string NextHopId);

    /// <summary>Those whose subnet the node has not leased again.</summary>
    public IReadOnlyList<EndedLease> All => [.. ended.Values];

    /// <summary>Those of the last minutes, also if the node leases the subnet again: many ends at once do not mean that many nodes are
    /// gone.</summary>
    public IReadOnlyList<EndedLease> Recent => [.. recent.Values];

    public void Observe(LeaseSnapshot snapshot)
    {
        // A lease that is missing in a partial snapshot may be one that could not be read.
        if (!snapshot.IsComplete) return;
        var current = new Dictionary<Holding, VpcId>();
        foreach (var lease in snapshot.Leases)
        {
            if (DesiredVpcState.RouteOf(lease) is not { } route) continue;
            current[new Holding(route.Destination, route.NextHop.Id)] = VpcId.Of(route.Node);
            if (route.Ipv6 is { } ipv6) current[new Holding(ipv6.Destination, ipv6.NextHop.Id)] = VpcId.Of(ipv6.Node);
        }

        if (listing == snapshot.Listing)
        {
            foreach (var (holding, vpc) in known.Where(pair => !current.ContainsKey(pair.Key)))
                ended[holding] = recent[holding] = new EndedLease(vpc, holding.Subnet, holding.NextHopId, time.GetTimestamp());
        }

        foreach (var old in recent.Where(pair => time.GetElapsedTime(pair.Value.At) > TogetherWindow).ToList()) recent.Remove(old.Key);
        foreach (var old in ended.Where(pair => current.ContainsKey(pair.Key) || time.GetElapsedTime(pair.Value.At) > Retention).ToList())
            ended.Remove(old.Key);
        known = current;
        listing = snapshot.Listing;
    }
}
