using System.Globalization;
using AliCloud.Simulator.State;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using static Flannel.RouteController.Tests.Simulation.VirtualWire;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>Rules for the writes of a cluster's controller and of an operator's commands, checked when a write reaches the cloud. Each
/// violation is a line with the name of the rule.</summary>
/// <param name="expectedRoutes">Of all clusters: subnet and next hop of each node that uses its subnet.</param>
internal sealed class RouteInvariants(VirtualTime time, CloudState cloud, HistoryCluster cluster,
    Func<IEnumerable<KeyValuePair<string, string>>> expectedRoutes)
{
    /// <summary>The maximum age of the leases that a write is based on when it arrives: the lag of the watch (3 s), and the time of the
    /// proof and the read before the call.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(7);

    private readonly Dictionary<string, TimeSpan> lastLeased = [];
    private readonly Dictionary<string, TimeSpan> upstreamSince = [];
    private readonly Dictionary<string, TimeSpan> lastNextHopChange = [];
    private int inFlight;

    public List<string> Violations { get; } = [];

    /// <summary>Called before and after each change of the leases, so that a lease counts until its end.</summary>
    public void RecordLeases()
    {
        foreach (var lease in cluster.Leases.Snapshot.Leases)
        {
            if (AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node)
                lastLeased[$"{lease.Subnet} {RouteHistory.Hop(node)}"] = time.Elapsed;
            else upstreamSince.TryAdd(lease.Subnet.ToString(), time.Elapsed);
        }
    }

    /// <summary>An operator has given an entry another next hop. A write that was decided on just before cannot know that: the API has no
    /// conditional writes.</summary>
    public void NextHopChanged(string entryId) => lastNextHopChange[entryId] = time.Elapsed;

    /// <summary>A node of the old daemon has left.</summary>
    public void RecordUpstreamLeft(string subnet) => upstreamSince.Remove(subnet);

    public void Sent(Request write, bool isLost)
    {
        if (isLost) AddViolation("nothing is sent after the loss of the election", write, "-");
        if (++inFlight > 2) AddViolation("one write at a time in each VPC", write, "-");
    }

    public void Over() => inFlight--;

    public void Arrived(Request write)
    {
        RecordLeases();
        var table = cloud.Snapshot().Routes;
        foreach (var subject in Subjects(write))
        {
            var entry = table.FirstOrDefault(e => subject.EntryId is not null ? e.RouteEntryId == subject.EntryId
                : e.RouteTableId == subject.Table && e.DestinationCidrBlock == subject.Destination);
            // Another client deleted the entry meanwhile.
            if ((entry?.DestinationCidrBlock ?? subject.Destination) is not { } text) continue;
            if (text == "0.0.0.0/0") AddViolation("the default route is never changed", write, text);
            CheckUpstream(write, text);
            if (write.Action.StartsWith("Create", StringComparison.Ordinal))
            {
                if (!WasLeased(text, subject.NextHop)) AddViolation("a route is created only for a lease", write, text);
                continue;
            }

            if (entry is not null) CheckEntry(write, entry, subject.NextHop);
        }
    }

    /// <summary>A deletion by an operator's command.</summary>
    public void CheckCommand(Request write)
    {
        foreach (var subject in Subjects(write))
        {
            if (cloud.Snapshot().Routes.FirstOrDefault(e => e.RouteEntryId == subject.EntryId) is { } entry) CheckDeletion(write, entry);
        }
    }

    private void CheckEntry(Request write, RouteView entry, string? newHop)
    {
        var text = entry.DestinationCidrBlock;
        if (entry.ServiceType is not null || entry.Type != "Custom") AddViolation("no managed entry is changed", write, text);
        if (entry.NextHopType is not ("Instance" or "NetworkInterface")) AddViolation("only next hops of nodes are changed", write, text);
        var owner = OwnerOf(entry);
        if (write.Action == "ModifyRouteEntry" && newHop is null)
        {
            if (!WasLeased(text, entry.NextHopId) && !HasNewNextHop(entry))
                AddViolation("only a route to the node of the lease is marked", write, text);
        }
        else if (write.Action == "ModifyRouteEntry")
        {
            if (owner == RouteOwner.OtherCluster) AddViolation("no entry of another cluster is updated", write, text);
            if (!WasLeased(text, newHop)) AddViolation("only entries of leases are updated", write, text);
        }
        else
        {
            if (owner == RouteOwner.OtherCluster) AddViolation("no entry of another cluster is deleted", write, text);
            if (owner == RouteOwner.Unmarked && !IsReleased(entry))
                AddViolation("only marked and released entries are deleted", write, text);
            CheckDeletion(write, entry);
        }
    }

    private void CheckDeletion(Request write, RouteView entry)
    {
        if (entry.NextHopType is not ("Instance" or "NetworkInterface"))
            AddViolation("only next hops of nodes are changed", write, entry.DestinationCidrBlock);
        if (expectedRoutes().Any(node => node.Key == entry.DestinationCidrBlock && node.Value == entry.NextHopId))
            AddViolation("no route of a expectedRoutes lease is ever deleted", write,
                $"{entry.DestinationCidrBlock} to {entry.NextHopId} ({entry.RouteEntryName})");
    }

    private void CheckUpstream(Request write, string text)
    {
        var network = Ipv4Network.Parse(text);
        if (cluster.Leases.Snapshot.Leases.Any(lease => lease.Attributes.BackendData is null && lease.Subnet.Overlaps(network)
            && time.Elapsed - upstreamSince[lease.Subnet.ToString()] > Lag))
        {
            AddViolation("no route of a lease of the old daemon is changed", write, text);
        }
    }

    private RouteOwner OwnerOf(RouteView entry) => cluster.Term.Cluster is not { } id ? RouteOwner.Unmarked
        : OwnershipMark.Of(id).OwnerOf(new RouteEntry(
            entry.RouteTableId, entry.RouteEntryId, null, entry.DestinationCidrBlock, true, RouteEntryStatus.Available,
            entry.RouteEntryName, entry.Description, []));

    private bool WasLeased(string subnet, string? hop) => lastLeased.TryGetValue($"{subnet} {hop}", out var at) && time.Elapsed - at <= Lag;

    private bool HasNewNextHop(RouteView entry) =>
        lastNextHopChange.TryGetValue(entry.RouteEntryId, out var at) && time.Elapsed - at <= Lag;

    /// <summary>An unmarked entry may be deleted if its own node released its subnet: <c>flanneld release</c>.</summary>
    private bool IsReleased(RouteView entry) => cluster.Leases.Snapshot.Leases.Any(lease =>
        lease.Subnet.ToString() == entry.DestinationCidrBlock
            && AliVpcBackendData.Parse(lease.Attributes.BackendData) is { Released: true });

    /// <summary>One entry of a write: a new one by its destination, table and next hop, another by its id.</summary>
    internal sealed record Subject(string? Destination, string? EntryId, string? Table, string? NextHop);

    internal static IEnumerable<Subject> Subjects(Request write)
    {
        string? Value(string name) => write.Parameters.GetValueOrDefault(name);
        if (write.Action == "CreateRouteEntry")
            yield return new(Value("DestinationCidrBlock"), null, Value("RouteTableId"), Value("NextHopId"));
        if (write.Action == "ModifyRouteEntry") yield return new(null, Value("RouteEntryId"), null, Value("NewNextHopId"));
        for (var i = 1; write.Action.EndsWith("Entries", StringComparison.Ordinal); i++)
        {
            var item = string.Create(CultureInfo.InvariantCulture, $"RouteEntries.{i}.");
            if (Value(item + "RouteTableId") is not { } tableId) yield break;
            yield return new(Value(item + "DstCidrBlock"), Value(item + "RouteEntryId"), tableId, Value(item + "NextHop"));
        }
    }

    private void AddViolation(string invariant, Request write, string subject) =>
        Violations.Add($"{time.Elapsed:g} '{invariant}' violated by {write.KeyId}'s {write.Action} of {subject}");
}
