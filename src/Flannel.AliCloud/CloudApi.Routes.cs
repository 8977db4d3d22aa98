using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core;
using Json = Flannel.AliCloud.Http.CloudResponseJson;

namespace Flannel.AliCloud;

/// <summary>The entries of a route table: read, create, change, delete.</summary>
public sealed partial class CloudApi
{

    public async Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, string routeTableId, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        for (var restarts = 0; ; restarts++)
        {
            var listing = await ListEntriesOnceAsync(regionId, routeTableId, scope);
            // The listing's token died between two pages: only a new listing is a whole one.
            if (listing.Error?.Code is "IllegalParam.NextTokenExpired" or "IllegalParam.NextToken" && restarts < 3) continue;
            return listing;
        }
    }

    public async Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation)
    {
        ThrowUnlessBatch(entries.Count);
        return await BatchAsync(CreateMany(regionId, entries), entries.Count, cancellation);
    }

    public async Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var call = Create(regionId, entry).With("ClientToken", clientToken);
        var answer = await transport.SendAsync(call, Json.Default.CreatedResponse, scope);
        // Seen with the official SDK: an empty answer taken for a success.
        return answer.Ok && string.IsNullOrEmpty(answer.Value!.RouteEntryId)
            ? Incomplete<Unit>(call, answer.RequestId, "the entry's id")
            : AsDone(answer);
    }

    public async Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation)
    {
        ThrowUnlessBatch(entries.Count);
        // By id where there is one: then exactly the entry that was read is deleted, and no newer one of the same destination.
        var call = Write(CloudService.Vpc, "DeleteRouteEntries", regionId).With("RouteEntries", entries, (field, e) => _ =
            e.RouteEntryId.Length > 0
                ? field.With("RouteTableId", e.RouteTableId).With("RouteEntryId", e.RouteEntryId)
                : field.With("RouteTableId", e.RouteTableId).With("DstCidrBlock", e.DestinationText)
                    .With("NextHop", e.NextHops.Count > 0 ? e.NextHops[0].Id : null));
        return await BatchAsync(call, entries.Count, cancellation);
    }

    public async Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var call = Write(CloudService.Vpc, "ModifyRouteEntry", regionId);
        if (entry.RouteEntryId.Length > 0) call.With("RouteEntryId", entry.RouteEntryId);
        else call.With("RouteTableId", entry.RouteTableId).With("DestinationCidrBlock", entry.DestinationText);
        call.With("NewNextHopId", newNextHop?.Id).With("NewNextHopType", newNextHop?.Type)
            .With("RouteEntryName", name).With("Description", description);
        return AsDone(await transport.SendAsync(call, Json.Default.CloudResponse, scope));
    }

    public async Task<CloudResult<Unit>> DryRunAsync(RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var call = action switch
        {
            RouteWriteCall.CreateRouteEntry => Create(regionId, entry),
            RouteWriteCall.CreateRouteEntries => CreateMany(regionId, [entry]),
            RouteWriteCall.ModifyRouteEntry => Write(CloudService.Vpc, "ModifyRouteEntry", regionId)
                .With("RouteTableId", entry.RouteTableId).With("DestinationCidrBlock", entry.Destination.ToString())
                .With("NewNextHopId", entry.NextHop.Id).With("NewNextHopType", entry.NextHop.Type),
            _ => Write(CloudService.Vpc, "DeleteRouteEntries", regionId).With("RouteEntries", [entry], (field, e) => field
                .With("RouteTableId", e.RouteTableId).With("DstCidrBlock", e.Destination.ToString()).With("NextHop", e.NextHop.Id)),
        };
        var answer = AsDone(await transport.SendAsync(call.With("DryRun", true), Json.Default.CloudResponse, scope));
        // The API tells a dry run's success by an error.
        return answer.Error is { Code: "DryRunOperation" } ? new(Unit.Instance, null, answer.RequestId) : answer;
    }

    private CloudCall Create(string regionId, NewRouteEntry entry) =>
        Write(CloudService.Vpc, "CreateRouteEntry", regionId)
            .With("RouteTableId", entry.RouteTableId).With("DestinationCidrBlock", entry.Destination.ToString())
            .With("NextHopId", entry.NextHop.Id).With("NextHopType", entry.NextHop.Type)
            .With("RouteEntryName", entry.Name).With("Description", entry.Description);

    /// <summary>Without the optional <c>IpVersion</c>: the destination implies it, and fifty of them make the URL 1.4 kB longer.</summary>
    private CloudCall CreateMany(string regionId, IReadOnlyList<NewRouteEntry> entries) =>
        Write(CloudService.Vpc, "CreateRouteEntries", regionId).With("RouteEntries", entries, (field, e) => field
            .With("RouteTableId", e.RouteTableId).With("DstCidrBlock", e.Destination.ToString())
            .With("NextHop", e.NextHop.Id).With("NextHopType", e.NextHop.Type)
            .With("Name", e.Name).With("Description", e.Description));

    private static void ThrowUnlessBatch(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, CloudLimits.EntriesPerBatch);
    }

    private async Task<CloudResult<BatchResult>> BatchAsync(CloudCall call, int count, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var answer = await transport.SendAsync(call, Json.Default.BatchResponse, scope);
        if (answer.Error is { } error) return Failed<BatchResult>(error);
        List<BatchFailure> failures = [.. Present(answer.Value!.FailedRouteEntries).Select(Failure)];
        // A batch that does not account for each entry has told nothing.
        return answer.Value.SuccessCount is { } done && answer.Value.FailedCount is { } failed
            && done + failed == count && failures.Count == failed
            ? new(new BatchResult(failures), null, answer.RequestId)
            : Incomplete<BatchResult>(call, answer.RequestId, "some entries' outcomes");

        BatchFailure Failure(BatchResponse.Failed f) => new(
            Ipv4Network.TryParse(f.DstCidrBlock, out var destination) ? destination : null,
            string.IsNullOrEmpty(f.RouteEntryId) ? null : f.RouteEntryId,
            CloudErrors.OfService(call, f.FailedCode ?? "", f.FailedMessage, answer.RequestId, 200));
    }

    private Task<CloudResult<IReadOnlyList<RouteEntry>>> ListEntriesOnceAsync(string regionId, string routeTableId, CallDeadline scope) =>
        ListByTokenAsync<RouteEntryListResponse, RouteEntry>(
            () => Read(CloudService.Vpc, "DescribeRouteEntryList", regionId)
                .With("RouteTableId", routeTableId).With("MaxResult", CloudLimits.EntriesPerPage),
            Json.Default.RouteEntryListResponse, a => a.NextToken,
            a => a.RouteEntrys is null ? null : [.. Present(a.RouteEntrys.RouteEntry).Select(e => Entry(e, routeTableId))], scope);

    /// <param name="routeTableId">That was asked for: a listing is of one table, whatever its entries say.</param>
    private static RouteEntry Entry(RouteEntryListResponse.Entry e, string routeTableId) => new(
        routeTableId, e.RouteEntryId ?? "",
        Ipv4Network.TryParse(e.DestinationCidrBlock, out var destination) ? destination : null, e.DestinationCidrBlock ?? "",
        string.Equals(e.Type, "Custom", StringComparison.OrdinalIgnoreCase) && string.IsNullOrEmpty(e.ServiceType), Status(e.Status),
        e.RouteEntryName ?? "", e.Description ?? "",
        [.. Present(e.NextHops?.NextHop).Select(h => new NextHop(h.NextHopType ?? "", h.NextHopId ?? ""))]);

    /// <summary>The API's documents and its answers differ in letter case.</summary>
    private static RouteEntryStatus Status(string? text) => text?.ToUpperInvariant() switch
    {
        "PENDING" => RouteEntryStatus.Pending,
        "AVAILABLE" => RouteEntryStatus.Available,
        "MODIFYING" => RouteEntryStatus.Modifying,
        "DELETING" => RouteEntryStatus.Deleting,
        _ => RouteEntryStatus.Unknown,
    };
}
