using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;

namespace Flannel.RouteController.Planning;

/// <summary>A lease of a node that this controller saw end.</summary>
/// <param name="NextHopId">Where its route led.</param>
/// <param name="At">When it was seen, as a timestamp of the time provider.</param>
public sealed record EndedLease(VpcId Vpc, Ipv4Network Subnet, string NextHopId, long At);

/// <summary>Which leases this controller saw end: those of one whole snapshot that are missing in a later one, when the later one follows
/// by watch events alone. A lease that is merely absent after a new listing is no evidence: etcd may have been restored, emptied or
/// replaced.</summary>
internal sealed class LeaseEndings(TimeProvider time)
{
    /// <summary>Longer than a lease time: after that the absence itself is evidence (<see cref="LeaseAbsences"/>).</summary>
    private static readonly TimeSpan Kept = FlannelContract.LeaseTime + TimeSpan.FromHours(1);

    /// <summary>Leases that end within this time end together (<see cref="DeletionBrake"/>).</summary>
    public static readonly TimeSpan Together = TimeSpan.FromMinutes(5);

    private readonly Dictionary<Holding, EndedLease> ended = [];
    private readonly Dictionary<Holding, EndedLease> recent = [];
    private Dictionary<Holding, VpcId> known = [];
    private long? listing;

    /// <summary>A subnet and the next hop of the node that leases it.</summary>
    private sealed record Holding(Ipv4Network Subnet, string NextHopId);

    /// <summary>Those whose subnet the node has not leased again.</summary>
    public IReadOnlyList<EndedLease> All => [.. ended.Values];

    /// <summary>Those of the last minutes, even if the node leases the subnet again: many at once do not mean that many nodes are
    /// gone.</summary>
    public IReadOnlyList<EndedLease> Recent => [.. recent.Values];

    public void Observe(LeaseSnapshot snapshot)
    {
        // What is missing in a partial view may be what could not be read.
        if (!snapshot.IsWhole) return;
        var now = new Dictionary<Holding, VpcId>();
        foreach (var lease in snapshot.Leases)
        {
            if (DesiredVpcState.RouteOf(lease) is { } route)
                now[new Holding(route.Destination, route.NextHop.Id)] = new VpcId(route.Node.RegionId, route.Node.VpcId);
        }

        if (listing == snapshot.Listing)
        {
            foreach (var (holding, vpc) in known.Where(pair => !now.ContainsKey(pair.Key)))
                ended[holding] = recent[holding] = new EndedLease(vpc, holding.Subnet, holding.NextHopId, time.GetTimestamp());
        }

        foreach (var old in recent.Where(pair => time.GetElapsedTime(pair.Value.At) > Together).ToList()) recent.Remove(old.Key);
        foreach (var old in ended.Where(pair => now.ContainsKey(pair.Key) || time.GetElapsedTime(pair.Value.At) > Kept).ToList())
            ended.Remove(old.Key);
        known = now;
        listing = snapshot.Listing;
    }
}
