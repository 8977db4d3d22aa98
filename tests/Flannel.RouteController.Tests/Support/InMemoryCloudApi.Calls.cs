using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Support;

internal sealed partial class InMemoryCloudApi
{
    public async Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation)
    {
        var (tableId, wanted) = (query.RouteTableId, query.Destinations.Select(destination => destination.ToString()).ToList());
        Assert.InRange(wanted.Count, 0, CloudLimits.DestinationsPerCall);
        var result = await CallAsync("DescribeRouteEntryList", VpcOf(tableId), [tableId, .. wanted], () =>
            !Tables.TryGetValue(tableId, out var table)
                ? Failed<IReadOnlyList<RouteEntry>>(CloudErrorKind.Fatal, "InvalidRouteTable.NotFound", "")
                : Answer<IReadOnlyList<RouteEntry>>([.. Settled(table).Entries
                    .Where(entry => wanted.Count == 0 || IgnoresDestinations
                        || (wanted.Contains(entry.Destination) && !UnmatchedDestinations.Contains(entry.Destination)))
                    .Select(entry => View(table, entry))]), cancellation);
        for (var rest = result.Value?.Count ?? 0; rest > CloudLimits.EntriesPerPage; rest -= CloudLimits.EntriesPerPage)
        {
            if (query.BeforePage is { } wait) await wait(cancellation);
        }

        return result;
    }

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(string regionId, string vpcId,
        CancellationToken cancellation) =>
        CallAsync("DescribeRouteTableList", vpcId, [], () => Answer<IReadOnlyList<RouteTable>>([.. Tables.Values
            .Where(table => table.VpcId == vpcId)
            .Select(table => new RouteTable(table.Id, vpcId, table.IsGateway,
                [.. VSwitches.Values.Where(v => v.RouteTableId == table.Id).Select(v => v.VSwitchId)]))]), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(string regionId, string routeTableId,
        CancellationToken cancellation) =>
        CallAsync(VerifiableTables.Contains(routeTableId) ? "DescribeRouteTable" : "DescribeRouteTableList", VpcOf(routeTableId),
            [routeTableId], () => Answer<IReadOnlyList<RouteTable>>([.. Tables.Values.Where(table => table.Id == routeTableId)
                .Select(table => new RouteTable(table.Id, table.VpcId, table.IsGateway, []))]), cancellation);

    public Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(string regionId, string vSwitchId,
        CancellationToken cancellation) =>
        CallAsync("DescribeVSwitchAttributes", "", [vSwitchId], () => VSwitches.TryGetValue(vSwitchId, out var facts)
            ? Answer(facts)
            : Failed<VSwitchAttributes>(CloudErrorKind.Fatal, "InvalidVSwitchId.NotFound", ""), cancellation);

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(string regionId, string vpcId,
        CancellationToken cancellation) =>
        CallAsync("DescribeVSwitches", vpcId, [], () =>
            Answer<IReadOnlyList<VSwitchAttributes>>([.. VSwitches.Values.Where(v => v.VpcId == vpcId)]), cancellation);

    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        CallAsync("DescribeVpcAttribute", vpcId, [], () => Answer(Vpcs[vpcId]), cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        CallAsync("GetProductQuota", "", [], () => Answer(new RouteEntryQuota(Quota)), cancellation);

    public Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation)
    {
        var vpcId = VpcOf(entries[0].RouteTableId);
        Assert.InRange(entries.Count, 1, 50);
        if (entries.DistinctBy(entry => entry.Destination.IsV6).Count() > 1) Violations.Add("a batch with routes of both families");
        return CallAsync("CreateRouteEntries", vpcId, [.. entries.Select(Text)], () =>
        {
            if (Busy<BatchResult>(vpcId) is { } busy) return busy;
            if (UnknownHopFailsBatch && entries.Any(entry => UnknownHops.Contains(entry.NextHop.Id)))
                return Failed<BatchResult>(CloudErrorKind.Fatal, "InvalidNextHop.NotFound", "");
            if (RefusesIpv6Batches && entries.Select(Ipv6Refusal).FirstOrDefault(code => code is not null) is { } refusal)
                return Failed<BatchResult>(CloudErrorTable.Classify(refusal, "CreateRouteEntries"), refusal, "");
            if (entries.Any(entry => CidrConflictCheck.IsInServices(entry.Destination)))
                return Failed<BatchResult>(CloudErrorKind.Fatal, "InvalidDestinationCidrBlock", "");
            var failures = entries.Select(entry => (entry, Error: Put(entry))).Where(pair => pair.Error is not null)
                .Select(pair => new BatchFailure(HidesFailedDestinations ? null : pair.entry.Destination, null, pair.Error!)).ToList();
            return Answer(new BatchResult(failures));
        }, cancellation);
    }

    public Task<CloudResult<Unit>> CreateRouteEntryAsync(string regionId, NewRouteEntry entry, string clientToken,
        CancellationToken cancellation)
    {
        var vpcId = VpcOf(entry.RouteTableId);
        Assert.InRange(clientToken.Length, 1, 64);
        return CallAsync("CreateRouteEntry", vpcId, [Text(entry), clientToken], () =>
        {
            if (tokens.TryGetValue(clientToken, out var before))
                return before == Text(entry)
                    ? Answer(Unit.Instance)
                    : Failed<Unit>(CloudErrorKind.Reread, "IdempotentParameterMismatch", "");
            if (Busy<Unit>(vpcId) is { } busy) return busy;
            if (Put(entry) is { } error) return new CloudResult<Unit>(null, error, "");
            tokens[clientToken] = Text(entry);
            return Answer(Unit.Instance);
        }, cancellation);
    }

    public Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(string regionId,
        IReadOnlyList<RouteEntry> entries, CancellationToken cancellation)
    {
        var vpcId = VpcOf(entries[0].RouteTableId);
        Assert.InRange(entries.Count, 1, 50);
        return CallAsync("DeleteRouteEntries", vpcId, [.. entries.Select(entry => $"{entry.RouteTableId} {entry.DestinationText}")], () =>
        {
            if (Busy<BatchResult>(vpcId) is { } busy) return busy;
            var failures = new List<BatchFailure>();
            foreach (var entry in entries)
            {
                var found = Settled(Tables[entry.RouteTableId]).Entries.Find(e => e.Id == entry.RouteEntryId);
                if (found is null || LockedDestinations.Contains(found.Destination))
                {
                    var error = found is null ? Error(CloudErrorKind.AlreadyDone, "VPC_ROUTER_ENTRY_NOT_EXIST", "")
                        : Error(CloudErrorKind.Fatal, "OperationDenied.EntryLocked", "");
                    failures.Add(new BatchFailure(null, HidesFailedDestinations ? null : entry.RouteEntryId, error));
                    continue;
                }

                found.Status = RouteEntryStatus.Deleting;
                found.SettlesAt = Settles(vpcId);
            }

            return Answer(new BatchResult(failures));
        }, cancellation);
    }

    public Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation)
    {
        var vpcId = VpcOf(entry.RouteTableId);
        return CallAsync("ModifyRouteEntry", vpcId, [$"{entry.RouteTableId} {entry.DestinationText} {newNextHop?.Id ?? "-"}"], () =>
        {
            if (Busy<Unit>(vpcId) is { } busy) return busy;
            if (Settled(Tables[entry.RouteTableId]).Entries.Find(e => e.Id == entry.RouteEntryId) is not { } found)
                return Failed<Unit>(CloudErrorKind.Reread, "InvalidRouteEntry.NotFound", "");
            if (newNextHop is not null && UnknownHops.Contains(newNextHop.Id))
                return Failed<Unit>(CloudErrorKind.Fatal, "InvalidNextHop.NotFound", "");
            if (found.Hop == newNextHop) return Failed<Unit>(CloudErrorKind.AlreadyDone, "OperationDenied.NextHopNotChanged", "");
            (found.Hop, found.Name, found.Description) = (newNextHop ?? found.Hop, name, description);
            found.Status = RouteEntryStatus.Modifying;
            found.SettlesAt = Settles(vpcId);
            return Answer(Unit.Instance);
        }, cancellation);
    }

    public Task<CloudResult<Unit>> DryRunAsync(
        RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation) =>
        CallAsync($"DryRun{action}", VpcOf(entry.RouteTableId), [Text(entry)], () => Answer(Unit.Instance), cancellation);

    public Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation) =>
        CallAsync("DescribeNetworkInterfaces", "", networkInterfaceIds, () => Answer<IReadOnlyList<NetworkInterface>>(
            [.. networkInterfaceIds.Where(SourceDestChecks.ContainsKey)
                .Select(id => new NetworkInterface(id, SourceDestChecks[id]))]), cancellation);

    public Task<CloudResult<Unit>> DisableSourceDestCheckAsync(string regionId, string networkInterfaceId,
        CancellationToken cancellation) =>
        CallAsync("ModifyNetworkInterfaceAttribute", "", [networkInterfaceId], () =>
        {
            SourceDestChecks[networkInterfaceId] = false;
            return Answer(Unit.Instance);
        }, cancellation);

    private string VpcOf(string tableId) => Tables.TryGetValue(tableId, out var table) ? table.VpcId : "";

    private static string Text(NewRouteEntry entry) => $"{entry.RouteTableId} {entry.Destination} {entry.NextHop.Id}";

    private RouteEntry View(Table table, Entry entry) => new(
        ListedTableId ?? table.Id, entry.Id, IpNetwork.TryParse(entry.Destination, out var network) ? network : null,
        entry.Destination, entry.IsCustom, entry.Status, entry.Name, entry.Description, [entry.Hop]);
}
