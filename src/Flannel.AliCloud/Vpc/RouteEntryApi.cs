using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Vpc;

/// <summary>Reads and writes the entries of route tables with the VPC API (2016-04-28).</summary>
internal sealed class RouteEntryApi(ApiClient client)
{
    private const int MaxListRestarts = 3;

    public async Task<CloudResult<IReadOnlyList<RouteEntry>>> ListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Destinations.Count, CloudLimits.DestinationsPerCall);
        List<string> destinations = [.. query.Destinations.Select(destination => destination.ToString())];
        using var deadline = client.StartDeadline(cancellation);
        for (var restarts = 0; ; restarts++)
        {
            if (restarts > 0 && query.BeforePage is { } wait) await deadline.ExcludeAsync(wait);
            var result = await client.ListByTokenAsync<RouteEntryListResponse, RouteEntry>(
                () => client.Read("DescribeRouteEntryList", regionId)
                    .With("RouteTableId", query.RouteTableId).With("DestCidrBlockList", destinations)
                    .With("MaxResult", CloudLimits.EntriesPerPage),
                VpcJson.Default.RouteEntryListResponse, response => response.NextToken,
                response => response.RouteEntrys is null ? null : Entries(response.RouteEntrys), query.BeforePage, deadline);
            // If the page token expires between two pages, only a new listing is complete.
            if (result.Error?.Code is "IllegalParam.NextTokenExpired" or "IllegalParam.NextToken" && restarts < MaxListRestarts) continue;
            return result;
        }

        IEnumerable<RouteEntry> Entries(RouteEntryListResponse.EntryList list) =>
            ApiClient.Present(list.RouteEntry).Select(entry => Convert(entry, query.RouteTableId));
    }

    public async Task<CloudResult<BatchResult>> CreateManyAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation)
    {
        ThrowUnlessBatch(entries.Count);
        return await SendBatchAsync(CreateManyCall(regionId, entries), entries.Count, cancellation);
    }

    public async Task<CloudResult<Unit>> CreateAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation)
    {
        var call = CreateCall(regionId, entry).With("ClientToken", clientToken);
        var result = await client.SendAsync(call, VpcJson.Default.CreatedResponse, cancellation);
        // An empty object is not a success.
        return result.Ok && string.IsNullOrEmpty(result.Value!.RouteEntryId)
            ? ApiClient.Incomplete<Unit>(call, result.RequestId, "the entry's id")
            : result.WithoutValue();
    }

    public async Task<CloudResult<BatchResult>> DeleteManyAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation)
    {
        ThrowUnlessBatch(entries.Count);
        // By id if it is known: this deletes the entry that was read, not a newer one with the same destination.
        var call = client.Write("DeleteRouteEntries", regionId).With("RouteEntries", entries, (field, entry) =>
        {
            field = field.With("RouteTableId", entry.RouteTableId);
            if (entry.RouteEntryId.Length > 0) field.With("RouteEntryId", entry.RouteEntryId);
            else field.With("DstCidrBlock", entry.DestinationText).With("NextHop", entry.NextHops.Count > 0 ? entry.NextHops[0].Id : null);
        });
        return await SendBatchAsync(call, entries.Count, cancellation);
    }

    public async Task<CloudResult<Unit>> ModifyAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation)
    {
        var call = client.Write("ModifyRouteEntry", regionId);
        if (entry.RouteEntryId.Length > 0) call.With("RouteEntryId", entry.RouteEntryId);
        else call.With("RouteTableId", entry.RouteTableId).With("DestinationCidrBlock", entry.DestinationText);
        call.With("NewNextHopId", newNextHop?.Id).With("NewNextHopType", newNextHop?.Type)
            .With("RouteEntryName", name).With("Description", description);
        var result = await client.SendAsync(call, HttpJson.Default.CloudResponse, cancellation);
        return result.WithoutValue();
    }

    public async Task<CloudResult<Unit>> DryRunAsync(
        RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation)
    {
        var call = action switch
        {
            RouteWriteCall.CreateRouteEntry => CreateCall(regionId, entry),
            RouteWriteCall.CreateRouteEntries => CreateManyCall(regionId, [entry]),
            RouteWriteCall.ModifyRouteEntry => client.Write("ModifyRouteEntry", regionId)
                .With("RouteTableId", entry.RouteTableId).With("DestinationCidrBlock", entry.Destination.ToString())
                .With("NewNextHopId", entry.NextHop.Id).With("NewNextHopType", entry.NextHop.Type),
            _ => client.Write("DeleteRouteEntries", regionId).With("RouteEntries", [entry], (field, e) => field
                .With("RouteTableId", e.RouteTableId).With("DstCidrBlock", e.Destination.ToString()).With("NextHop", e.NextHop.Id)),
        };
        var result = await client.SendAsync(call.With("DryRun", true), HttpJson.Default.CloudResponse, cancellation);
        // The API reports a successful dry run with this error code.
        return result.Error is { Code: "DryRunOperation" } ? CloudResult.Success(Unit.Instance, result.RequestId) : result.WithoutValue();
    }

    private CloudCall CreateCall(string regionId, NewRouteEntry entry) =>
        client.Write("CreateRouteEntry", regionId)
            .With("RouteTableId", entry.RouteTableId).With("DestinationCidrBlock", entry.Destination.ToString())
            .With("NextHopId", entry.NextHop.Id).With("NextHopType", entry.NextHop.Type)
            .With("RouteEntryName", entry.Name).With("Description", entry.Description);

    /// <summary>Omits the optional <c>IpVersion</c> of IPv4: the destination implies it, and in a full batch it makes the URL 1.4 kB
    /// longer.</summary>
    private CloudCall CreateManyCall(string regionId, IReadOnlyList<NewRouteEntry> entries) =>
        client.Write("CreateRouteEntries", regionId).With("RouteEntries", entries, (field, e) => field
            .With("RouteTableId", e.RouteTableId).With("DstCidrBlock", e.Destination.ToString())
            .With("NextHop", e.NextHop.Id).With("NextHopType", e.NextHop.Type).With("IpVersion", e.Destination.IsV6 ? "6" : null)
            .With("Name", e.Name).With("Description", e.Description));

    private static void ThrowUnlessBatch(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, CloudLimits.EntriesPerBatch);
    }

    private async Task<CloudResult<BatchResult>> SendBatchAsync(CloudCall call, int count, CancellationToken cancellation)
    {
        var result = await client.SendAsync(call, VpcJson.Default.BatchResponse, cancellation);
        if (result.Error is { } error) return CloudResult.Failed<BatchResult>(error);
        var response = result.Value!;
        List<BatchFailure> failures = [.. ApiClient.Present(response.FailedRouteEntries).Select(Failure)];
        // The response must account for every entry.
        var isComplete = response.SuccessCount is { } succeeded && response.FailedCount is { } failed
            && succeeded + failed == count && failures.Count == failed;
        return isComplete
            ? CloudResult.Success(new BatchResult(failures), result.RequestId)
            : ApiClient.Incomplete<BatchResult>(call, result.RequestId, "the results of some entries");

        BatchFailure Failure(BatchResponse.Failed f) => new(
            IpNetwork.TryParse(f.DstCidrBlock, out var destination) ? destination : null,
            string.IsNullOrEmpty(f.RouteEntryId) ? null : f.RouteEntryId,
            CloudErrors.FromService(call, f.FailedCode ?? "", f.FailedMessage, result.RequestId, (int)System.Net.HttpStatusCode.OK));
    }

    /// <param name="routeTableId">The requested table: a listing contains only its entries.</param>
    private static RouteEntry Convert(RouteEntryListResponse.Entry entry, string routeTableId) => new(
        routeTableId, entry.RouteEntryId ?? "",
        IpNetwork.TryParse(entry.DestinationCidrBlock, out var destination) ? destination : null, entry.DestinationCidrBlock ?? "",
        string.Equals(entry.Type, "Custom", StringComparison.OrdinalIgnoreCase) && string.IsNullOrEmpty(entry.ServiceType),
        Status(entry.Status), entry.RouteEntryName ?? "", entry.Description ?? "",
        [.. ApiClient.Present(entry.NextHops?.NextHop).Select(hop => new NextHop(hop.NextHopType ?? "", hop.NextHopId ?? ""))]);

    /// <summary>The documentation and the responses of the API differ in case.</summary>
    private static RouteEntryStatus Status(string? text) => text?.ToUpperInvariant() switch
    {
        "PENDING" => RouteEntryStatus.Pending,
        "AVAILABLE" => RouteEntryStatus.Available,
        "MODIFYING" => RouteEntryStatus.Modifying,
        "DELETING" => RouteEntryStatus.Deleting,
        _ => RouteEntryStatus.Unknown,
    };
}
