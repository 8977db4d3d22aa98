namespace AliCloud.Simulator.State;

/// <summary>One entry, flat. <paramref name="NextHopPrivateIp"/> is null when the next hop is no instance or interface that exists.</summary>
public sealed record RouteView(
    string VpcId, string RouteTableId, string RouteEntryId, string DestinationCidrBlock, EntryState Status, string Type, string RouteEntryName,
    string Description, string? ServiceType, string NextHopType, string NextHopId, string? NextHopPrivateIp)
{
    /// <summary>Whether a router sends by it: a new entry not yet, one that is being deleted no longer.</summary>
    public bool Forwards => Status is EntryState.Available or EntryState.Modifying;
}

public sealed record InterfaceView(string NetworkInterfaceId, string InstanceId, string VpcId, string VSwitchId, string PrivateIp, bool SourceDestCheck);

/// <summary>What a router needs to know, and which version of it this is.</summary>
public sealed record RoutesAndInterfaces(long Version, IReadOnlyList<RouteView> Routes, IReadOnlyList<InterfaceView> Interfaces);

/// <summary>Snapshots for tests and the control API.</summary>
public static class Views
{
    /// <summary>All entries, system ones too, as of now.</summary>
    public static RoutesAndInterfaces Look(this CloudState state, string? vpcId = null)
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

    /// <summary>The entries of all tables or of one VPC's; only those that the simulator did not make by itself.</summary>
    public static IReadOnlyList<RouteView> CustomRoutes(this CloudState state, string? vpcId = null) =>
        [.. state.Look(vpcId).Routes.Where(r => r.Type != "System")];

    /// <summary>Ends with a look that is newer than <paramref name="version"/>, or with the current one after <paramref name="patience"/>.</summary>
    public static async Task<RoutesAndInterfaces> LookAfterAsync(
        this CloudState state, long version, TimeSpan patience, CancellationToken cancellationToken, string? vpcId = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var end = Task.Delay(patience, state.Time, done.Token);
        while (true)
        {
            Task change;
            lock (state.Gate) change = state.NextChange();
            var look = state.Look(vpcId);
            if (look.Version > version || end.IsCompleted)
            {
                await done.CancelAsync();
                return look;
            }

            await Task.WhenAny(change, end);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    internal static RouteView View(CloudState state, RouteEntry e) => new(
        e.Table.Vpc.Id, e.Table.Id, e.Id, e.Destination.ToString(), e.Status, e.Type, e.Name, e.Description, e.ServiceType, e.NextHop.Type, e.NextHop.Id,
        (e.NextHop.Type switch
        {
            "Instance" => state.FindInstance(e.NextHop.Id)?.Primary,
            "NetworkInterface" => state.FindInterface(e.NextHop.Id),
            _ => null,
        }) is { } networkInterface ? Cidr.Write(networkInterface.PrivateIp) : null);

    internal static InterfaceView View(NetworkInterface i) =>
        new(i.Id, i.Instance.Id, i.VSwitch.Vpc.Id, i.VSwitch.Id, Cidr.Write(i.PrivateIp), i.SourceDestCheck);
}
