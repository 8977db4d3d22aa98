using System.Globalization;
using AliCloud.Simulator.State;
using Flannel.AliVpc.Tests.Control.Support;
using Flannel.Core.Addresses;
using static Flannel.AliVpc.Tests.Control.Simulation.VirtualWire;

namespace Flannel.AliVpc.Tests.Control.Simulation;

/// <summary>What no write of the controller may do, looked at in the moment in which it reaches the cloud. Each broken one is a line with its name.</summary>
internal sealed class RouteInvariants(VirtualTime time, CloudState cloud, FakeLeases leases)
{
    /// <summary>So old may the controller's view be when a write arrives: a call takes a moment, and so do the proof and the fresh reading before it.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(2);

    private static readonly Ipv4Network Network = Ipv4Network.Parse("10.24.0.0/16");
    private readonly Dictionary<string, TimeSpan> lastLeased = [];
    private readonly Dictionary<string, TimeSpan> upstreamSince = [];
    private int inFlight;

    public List<string> Broken { get; } = [];

    /// <summary>To be told after each change of the leases.</summary>
    public void Leased()
    {
        foreach (var lease in leases.Snapshot.Leases)
        {
            if (lease.Attributes.BackendData is not null) lastLeased[lease.Subnet.ToString()] = time.Elapsed;
            else upstreamSince.TryAdd(lease.Subnet.ToString(), time.Elapsed);
        }
    }

    /// <summary>A node of the old daemon has left.</summary>
    public void Unleased(string subnet) => upstreamSince.Remove(subnet);

    public void Sent(Request write, bool isLost)
    {
        if (isLost) Break("nothing is sent after the loss of the election", write, "-");
        if (++inFlight > 1) Break("one write at a time", write, "-");
    }

    public void Over() => inFlight--;

    public void Arrived(Request write)
    {
        Leased();
        var table = cloud.Look().Routes;
        foreach (var (destination, entryId, tableId) in Subjects(write))
        {
            var entry = table.FirstOrDefault(e => entryId is not null ? e.RouteEntryId == entryId : e.RouteTableId == tableId && e.DestinationCidrBlock == destination);
            if ((entry?.DestinationCidrBlock ?? destination) is not { } text) continue; // an entry that somebody else has deleted meanwhile
            var network = Ipv4Network.Parse(text);
            if (network.Length == 0 || !Network.Contains(network)) Break("never outside the network, never the default route", write, text);
            if (leases.Snapshot.Leases.Any(lease => lease.Attributes.BackendData is null && lease.Subnet.Overlaps(network)
                && time.Elapsed - upstreamSince[lease.Subnet.ToString()] > Lag))
            {
                Break("never what a node of the old daemon leases", write, text);
            }

            var isWanted = lastLeased.TryGetValue(text, out var at) && time.Elapsed - at <= Lag;
            if (write.Action.StartsWith("Create", StringComparison.Ordinal) && !isWanted) Break("only for a living lease is a route created", write, text);
            if (entry is null || write.Action.StartsWith("Create", StringComparison.Ordinal)) continue;
            if (entry.ServiceType is not null || entry.Type != "Custom") Break("never a hosted entry", write, text);
            var mark = IsMarked(entry) ? "ours" : entry.RouteEntryName.StartsWith("flannel-", StringComparison.Ordinal) ? "theirs" : "none";
            if (mark == "theirs") Break("never another cluster's", write, text);
            if (write.Action == "ModifyRouteEntry" && !isWanted) Break("only a living lease's entry is re-pointed", write, text);
            if (write.Action == "DeleteRouteEntries" && mark != "ours" && !IsLeaving(entry)) Break("only our own is deleted", write, text);
            if (write.Action == "DeleteRouteEntries" && isWanted && !IsLeaving(entry) && IsLeased(text)) Break("never a living lease's is deleted", write, text);
        }
    }

    public static bool IsMarked(RouteView entry) => entry.RouteEntryName == Cluster.Mark.Token;

    private bool IsLeased(string subnet) => leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet && lease.Attributes.BackendData is not null);

    /// <summary>An unmarked entry may go when its own node gave it back: <c>flanneld release</c>.</summary>
    private bool IsLeaving(RouteView entry) => leases.Snapshot.Leases.Any(lease =>
        lease.Subnet.ToString() == entry.DestinationCidrBlock && AliVpcBackendData.Parse(lease.Attributes.BackendData) is { Released: true });

    private static IEnumerable<(string? Destination, string? EntryId, string? Table)> Subjects(Request write)
    {
        string? Value(string name) => write.Parameters.GetValueOrDefault(name);
        if (write.Action == "CreateRouteEntry") yield return (Value("DestinationCidrBlock"), null, Value("RouteTableId"));
        if (write.Action == "ModifyRouteEntry") yield return (null, Value("RouteEntryId"), null);
        for (var i = 1; write.Action.EndsWith("Entries", StringComparison.Ordinal); i++)
        {
            var item = string.Create(CultureInfo.InvariantCulture, $"RouteEntries.{i}.");
            if (Value(item + "RouteTableId") is not { } tableId) yield break;
            yield return (Value(item + "DstCidrBlock"), Value(item + "RouteEntryId"), tableId);
        }
    }

    private void Break(string invariant, Request write, string subject) =>
        Broken.Add($"{time.Elapsed:g} '{invariant}' broken by {write.Action} of {subject}");
}
