using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>Which leases this controller saw end: a lease of one complete snapshot that is missing in a later one of the same listing, or
/// one that ended shortly before the listing by the store's history. A lease that is missing after a new listing proves nothing: etcd may
/// have been restored, emptied or replaced.</summary>
internal sealed class EndedLeaseTracker(TimeProvider time)
{
    /// <summary>Leases that end within this time count as ended together.</summary>
    public static readonly TimeSpan TogetherWindow = TimeSpan.FromMinutes(5);

    /// <summary>Longer than a lease time: after that the absence itself is evidence (<see cref="AbsentLeaseTracker"/>).</summary>
    private static readonly TimeSpan Retention = FlannelContract.LeaseTime + TimeSpan.FromHours(1);

    private readonly Dictionary<Holding, EndedLease> ended = [];
    private readonly Dictionary<Holding, EndedLease> recent = [];
    private Dictionary<Holding, VpcId> known = [];
    private IReadOnlyList<Lease> seenEndedBefore = [];
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
        var current = HoldingsOf(snapshot.Leases);
        if (listing == snapshot.Listing) AddEnded(known, current);
        if (!ReferenceEquals(seenEndedBefore, snapshot.EndedBefore)) AddEnded(HoldingsOf(snapshot.EndedBefore), current);
        seenEndedBefore = snapshot.EndedBefore;
        foreach (var old in recent.Where(pair => time.GetElapsedTime(pair.Value.At) > TogetherWindow).ToList()) recent.Remove(old.Key);
        foreach (var old in ended.Where(pair => current.ContainsKey(pair.Key) || time.GetElapsedTime(pair.Value.At) > Retention).ToList())
            ended.Remove(old.Key);
        known = current;
        listing = snapshot.Listing;
    }

    private void AddEnded(Dictionary<Holding, VpcId> before, Dictionary<Holding, VpcId> current)
    {
        foreach (var (holding, vpc) in before.Where(pair => !current.ContainsKey(pair.Key)))
            ended[holding] = recent[holding] = new EndedLease(vpc, holding.Subnet, holding.NextHopId, time.GetTimestamp());
    }

    private static Dictionary<Holding, VpcId> HoldingsOf(IEnumerable<Lease> leases)
    {
        var holdings = new Dictionary<Holding, VpcId>();
        foreach (var lease in leases)
        {
            if (DesiredVpcState.RouteOf(lease) is not { } route) continue;
            holdings[new Holding(route.Destination, route.NextHop.Id)] = VpcId.Of(route.Node);
            if (route.Ipv6 is { } ipv6) holdings[new Holding(ipv6.Destination, ipv6.NextHop.Id)] = VpcId.Of(ipv6.Node);
        }

        return holdings;
    }
}
