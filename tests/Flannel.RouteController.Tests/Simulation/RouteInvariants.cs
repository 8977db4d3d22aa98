using System.Globalization;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.State;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using static Flannel.RouteController.Tests.Simulation.VirtualWire;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>What no write of a cluster's controller, and none of an operator's commands, may do, looked at in the moment in which it
/// reaches the cloud. Each broken one is a line with its name.</summary>
/// <param name="living">Of every cluster: subnet and next hop of each node that may use its subnet as far as it knows.</param>
internal sealed class RouteInvariants(VirtualTime time, CloudState cloud, HistoryCluster cluster,
    Func<IEnumerable<KeyValuePair<string, string>>> living)
{
    /// <summary>So old may the controller's view be when a write arrives: its own lag (3 s), and the proof and the fresh reading before the
    /// call.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(7);

    private readonly Dictionary<string, TimeSpan> lastLeased = [];
    private readonly Dictionary<string, TimeSpan> upstreamSince = [];
    private readonly Dictionary<string, TimeSpan> lastNextHopChange = [];
    private int inFlight;

    public List<string> Broken { get; } = [];

    /// <summary>To be called before and after each change of the leases: a lease counts until the moment of its end.</summary>
    public void Leased()
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
    public void Unleased(string subnet) => upstreamSince.Remove(subnet);

    public void Sent(Request write, bool isLost)
    {
        if (isLost) Break("nothing is sent after the loss of the election", write, "-");
        if (++inFlight > 2) Break("one write at a time in each VPC", write, "-");
    }

    public void Over() => inFlight--;

    public void Arrived(Request write)
    {
        Leased();
        var table = cloud.Snapshot().Routes;
        foreach (var subject in Subjects(write))
        {
            var entry = table.FirstOrDefault(e => subject.EntryId is not null ? e.RouteEntryId == subject.EntryId
                : e.RouteTableId == subject.Table && e.DestinationCidrBlock == subject.Destination);
            // Another client deleted the entry meanwhile.
            if ((entry?.DestinationCidrBlock ?? subject.Destination) is not { } text) continue;
            if (text == "0.0.0.0/0") Break("never the default route", write, text);
            CheckUpstream(write, text);
            if (write.Action.StartsWith("Create", StringComparison.Ordinal))
            {
                if (!WasLeased(text, subject.NextHop)) Break("a route is created for a lease alone", write, text);
                continue;
            }

            if (entry is not null) CheckEntry(write, entry, subject.NextHop);
        }
    }

    /// <summary>A deletion by an operator's command.</summary>
    public void Commanded(Request write)
    {
        foreach (var subject in Subjects(write))
        {
            if (cloud.Snapshot().Routes.FirstOrDefault(e => e.RouteEntryId == subject.EntryId) is { } entry) CheckDeletion(write, entry);
        }
    }

    private void CheckEntry(Request write, RouteView entry, string? newHop)
    {
        var text = entry.DestinationCidrBlock;
        if (entry.ServiceType is not null || entry.Type != "Custom") Break("never a hosted entry", write, text);
        if (entry.NextHopType is not ("Instance" or "NetworkInterface")) Break("only next hops of nodes ever change", write, text);
        var owner = OwnerOf(entry);
        if (write.Action == "ModifyRouteEntry" && newHop is null)
        {
            if (!WasLeased(text, entry.NextHopId) && !HasNewNextHop(entry)) Break("only a route of the very node is marked", write, text);
        }
        else if (write.Action == "ModifyRouteEntry")
        {
            if (owner == RouteOwner.OtherCluster) Break("never another cluster's is updated", write, text);
            if (!WasLeased(text, newHop)) Break("only a lease's entry is updated", write, text);
        }
        else
        {
            if (owner == RouteOwner.OtherCluster) Break("never another cluster's is deleted", write, text);
            if (owner == RouteOwner.Unmarked && !IsReleased(entry)) Break("only our own is deleted", write, text);
            CheckDeletion(write, entry);
        }
    }

    private void CheckDeletion(Request write, RouteView entry)
    {
        if (entry.NextHopType is not ("Instance" or "NetworkInterface"))
            Break("only next hops of nodes ever change", write, entry.DestinationCidrBlock);
        if (living().Any(node => node.Key == entry.DestinationCidrBlock && node.Value == entry.NextHopId))
            Break("no route of a living lease is ever deleted", write,
                $"{entry.DestinationCidrBlock} to {entry.NextHopId} ({entry.RouteEntryName})");
    }

    private void CheckUpstream(Request write, string text)
    {
        var network = Ipv4Network.Parse(text);
        if (cluster.Leases.Snapshot.Leases.Any(lease => lease.Attributes.BackendData is null && lease.Subnet.Overlaps(network)
            && time.Elapsed - upstreamSince[lease.Subnet.ToString()] > Lag))
        {
            Break("never what a node of the old daemon leases", write, text);
        }
    }

    private RouteOwner OwnerOf(RouteView entry) => cluster.Term.Cluster is not { } id ? RouteOwner.Unmarked
        : OwnershipMark.Of(id).OwnerOf(new RouteEntry(
            entry.RouteTableId, entry.RouteEntryId, null, entry.DestinationCidrBlock, true, RouteEntryStatus.Available,
            entry.RouteEntryName, entry.Description, []));

    private bool WasLeased(string subnet, string? hop) => lastLeased.TryGetValue($"{subnet} {hop}", out var at) && time.Elapsed - at <= Lag;

    private bool HasNewNextHop(RouteView entry) =>
        lastNextHopChange.TryGetValue(entry.RouteEntryId, out var at) && time.Elapsed - at <= Lag;

    /// <summary>An unmarked entry may go when its own node gave it back: <c>flanneld release</c>.</summary>
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

    private void Break(string invariant, Request write, string subject) =>
        Broken.Add($"{time.Elapsed:g} '{invariant}' broken by {write.KeyId}'s {write.Action} of {subject}");
}
