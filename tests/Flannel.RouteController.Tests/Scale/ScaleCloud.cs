using Flannel.AliCloud;
using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;

namespace Flannel.RouteController.Tests.Scale;

/// <summary>A VPC with many entries, for measurements of the controller alone: its calls cost next to nothing, a write takes effect at
/// once, and nothing fails. It counts the pages that the lists have.</summary>
internal sealed class ScaleCloud(TimeProvider time, int tables) : ICloudApi
{
    public const string VpcId = "vpc-1";

    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(1);

    private readonly Dictionary<string, List<RouteEntry>> entries =
        Enumerable.Range(0, tables).ToDictionary(TableId, _ => new List<RouteEntry>());
    private int ids;

    /// <summary>Pages of entries that were read.</summary>
    public long Pages { get; private set; }

    /// <summary>Those of reads of single destinations.</summary>
    public long DestinationPages { get; private set; }

    /// <summary>All other calls.</summary>
    public long OtherCalls { get; private set; }

    public static string TableId(int table) => $"vtb-{table}";

    public static string VSwitchId(int table) => $"vsw-{table}";

    /// <summary>Adds an entry to every table.</summary>
    public void Add(NewRouteEntry route)
    {
        foreach (var table in entries.Keys) Store(route with { RouteTableId = table });
    }

    public async Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation)
    {
        var destinations = query.Destinations.ToHashSet();
        List<RouteEntry> listed = [];
        var result = Respond<IReadOnlyList<RouteEntry>>(listed, cancellation);
        listed.AddRange(entries[query.RouteTableId]
            .Where(entry => destinations.Count == 0 || destinations.Contains(entry.Destination!.Value)));
        Pages++;
        if (destinations.Count > 0) DestinationPages++;
        for (var page = 1; page * CloudLimits.EntriesPerPage < listed.Count; page++)
        {
            if (query.BeforePage is { } wait) await wait(cancellation);
            Pages++;
        }

        return await result;
    }

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        Count<IReadOnlyList<RouteTable>>(
            [.. Enumerable.Range(0, tables).Select(n => new RouteTable(TableId(n), VpcId, false, [VSwitchId(n)]))], cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(
        string regionId, string vSwitchId, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        Count<IReadOnlyList<VSwitchAttributes>>(
            [.. Enumerable.Range(0, tables).Select(n => new VSwitchAttributes(VSwitchId(n), VpcId, $"192.168.{n}.0/24", TableId(n)))],
            cancellation);

    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        Count(new VpcAttributes(vpcId, "192.168.0.0/16", [], []), cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        Count(new RouteEntryQuota(int.MaxValue), cancellation);

    public Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation)
    {
        foreach (var entry in entries) Store(entry);
        return Count(new BatchResult([]), cancellation);
    }

    public Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation)
    {
        Store(entry);
        return Count(Unit.Instance, cancellation);
    }

    public Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation)
    {
        foreach (var entry in entries) this.entries[entry.RouteTableId].Remove(entry);
        return Count(new BatchResult([]), cancellation);
    }

    public Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<CloudResult<Unit>> DryRunAsync(
        RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation) =>
        Count<IReadOnlyList<NetworkInterface>>(
            [.. networkInterfaceIds.Select(id => new NetworkInterface(id, SourceDestCheck: false))], cancellation);

    public Task<CloudResult<Unit>> DisableSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation) => throw new NotSupportedException();

    private void Store(NewRouteEntry route) => entries[route.RouteTableId].Add(new RouteEntry(
        route.RouteTableId, $"rte-{++ids}", route.Destination, route.Destination.ToString(), IsCustom: true, RouteEntryStatus.Available,
        route.Name, route.Description, [route.NextHop]));

    private Task<CloudResult<T>> Count<T>(T value, CancellationToken cancellation) where T : class
    {
        OtherCalls++;
        return Respond(value, cancellation);
    }

    private async Task<CloudResult<T>> Respond<T>(T value, CancellationToken cancellation) where T : class
    {
        await Task.Delay(Latency, time, cancellation);
        return new CloudResult<T>(value, null, "");
    }
}
