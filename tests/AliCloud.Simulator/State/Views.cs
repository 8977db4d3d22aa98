namespace AliCloud.Simulator.State;

/// <summary>A route entry. <paramref name="NextHopPrivateIp"/> is null if the next hop is not an existing instance or interface.</summary>
public sealed record RouteView(
    string VpcId, string RouteTableId, string RouteEntryId, string DestinationCidrBlock, EntryState Status, string Type,
        string RouteEntryName,
    string Description, string? ServiceType, string NextHopType, string NextHopId, string? NextHopPrivateIp)
{
    /// <summary>True if a router uses the entry: not before it is created, and not while it is being deleted.</summary>
    public bool Forwards => Status is EntryState.Available or EntryState.Modifying;
}

public sealed record InterfaceView(
    string NetworkInterfaceId, string InstanceId, string VpcId, string VSwitchId, string PrivateIp, bool SourceDestCheck);

/// <summary>The routes and interfaces that a router needs, with their version.</summary>
public sealed record RoutesAndInterfaces(long Version, IReadOnlyList<RouteView> Routes, IReadOnlyList<InterfaceView> Interfaces);

/// <summary>Snapshots for tests and the control API.</summary>
public static class Views
{
    /// <summary>All current entries, including system entries.</summary>
    public static RoutesAndInterfaces Snapshot(this CloudState state, string? vpcId = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (state.Gate)
        {
            state.Settle();
            return new RoutesAndInterfaces(
                state.Version,
                [.. state.Tables.Where(t => vpcId is null || t.Vpc.Id == vpcId).SelectMany(t => t.Entries).Select(e => View(state, e))],
                [.. state.Interfaces.Where(i => vpcId is null || i.VSwitch.Vpc.Id == vpcId).Select(View)]);
        }
    }

    /// <summary>The entries of all tables, or of the tables of one VPC, without system entries.</summary>
    public static IReadOnlyList<RouteView> CustomRoutes(this CloudState state, string? vpcId = null) =>
        [.. state.Snapshot(vpcId).Routes.Where(r => r.Type != "System")];

    /// <summary>Returns a snapshot that is newer than <paramref name="version"/>, or the current one after <paramref
    /// name="timeout"/>.</summary>
    public static async Task<RoutesAndInterfaces> SnapshotAfterAsync(
        this CloudState state, long version, TimeSpan timeout, CancellationToken cancellationToken, string? vpcId = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var end = Task.Delay(timeout, state.Time, done.Token);
        while (true)
        {
            Task change;
            lock (state.Gate) change = state.NextChange();
            var snapshot = state.Snapshot(vpcId);
            if (snapshot.Version > version || end.IsCompleted)
            {
                await done.CancelAsync();
                return snapshot;
            }

            await Task.WhenAny(change, end);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    internal static RouteView View(CloudState state, RouteEntry e) => new(
        e.Table.Vpc.Id, e.Table.Id, e.Id, e.Destination.ToString(), e.Status, e.Type, e.Name, e.Description, e.ServiceType, e.NextHop.Type,
            e.NextHop.Id,
        (e.NextHop.Type switch
        {
            "Instance" => state.FindInstance(e.NextHop.Id)?.Primary,
            "NetworkInterface" => state.FindInterface(e.NextHop.Id),
            _ => null,
        }) is { } networkInterface ? Cidr.Write(networkInterface.PrivateIp) : null);

    internal static InterfaceView View(NetworkInterface i) =>
        new(i.Id, i.Instance.Id, i.VSwitch.Vpc.Id, i.VSwitch.Id, Cidr.Write(i.PrivateIp), i.SourceDestCheck);
}
