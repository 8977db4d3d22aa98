using System.Text.Json.Serialization.Metadata;

namespace Flannel.AliCloud.Http;

/// <summary>Makes the calls of one service: the configured region, the time limit, and complete lists. Thread-safe.</summary>
internal sealed class ApiClient(CloudService service, CloudTransport transport, CloudContext context)
{
    /// <summary>More pages than any account has: a longer list has no end.</summary>
    private const int MaxPages = 200;

    private const int MaxRestarts = 3;

    public CloudApiOptions Options => context.Options;

    /// <param name="regionId">Used if the options name no region.</param>
    public CloudCall Read(string action, string regionId) => CloudCall.Read(service, action, RegionOf(regionId));

    /// <param name="regionId">Used if the options name no region.</param>
    public CloudCall Write(string action, string regionId) => CloudCall.Write(service, action, RegionOf(regionId));

    /// <summary>A read whose parameters are sent in the body.</summary>
    /// <param name="regionId">Used if the options name no region.</param>
    public CloudCall Form(string action, string regionId) => CloudCall.Form(service, action, RegionOf(regionId));

    public CallDeadline StartDeadline(CancellationToken cancellation) => new(Options.CallTimeout, context.Time, cancellation);

    public async Task<CloudResult<T>> SendAsync<T>(CloudCall call, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : CloudResponse
    {
        using var deadline = StartDeadline(cancellation);
        return await transport.SendAsync(call, type, deadline);
    }

    public Task<CloudResult<T>> SendAsync<T>(CloudCall call, JsonTypeInfo<T> type, CallDeadline deadline) where T : CloudResponse =>
        transport.SendAsync(call, type, deadline);

    /// <summary>Reads the pages by <c>PageNumber</c> until <c>TotalCount</c> items are there. If the count changes between two pages, the
    /// list changed while it was read: the listing restarts a few times.</summary>
    /// <param name="items">Returns the items of a page; null if the response lacks the list.</param>
    public async Task<CloudResult<IReadOnlyList<TItem>>> ListByNumberAsync<TResponse, TItem>(
        Func<CloudCall> createCall, JsonTypeInfo<TResponse> type, Func<TResponse, int?> total,
        Func<TResponse, IEnumerable<TItem>?> items, CancellationToken cancellation) where TResponse : CloudResponse
    {
        using var deadline = StartDeadline(cancellation);
        for (var restarts = 0; ; restarts++)
        {
            List<TItem> all = [];
            int? expected = null;
            var changed = false;
            for (var page = 1; page <= MaxPages && !changed; page++)
            {
                var call = createCall().With("PageNumber", page).With("PageSize", CloudLimits.ItemsPerPage);
                var result = await transport.SendAsync(call, type, deadline);
                if (result.Error is { } error) return CloudResult.Failed<IReadOnlyList<TItem>>(error);
                if (items(result.Value!) is not { } found || total(result.Value!) is not { } count)
                    return Incomplete<IReadOnlyList<TItem>>(call, result.RequestId, "its list or its count");
                changed = expected is { } earlier && earlier != count;
                if (changed) break;
                expected = count;
                var before = all.Count;
                all.AddRange(found);
                if (all.Count >= count) return CloudResult.Success<IReadOnlyList<TItem>>(all, result.RequestId);
                changed = all.Count == before;
            }

            if (!changed || restarts == MaxRestarts)
                return Incomplete<IReadOnlyList<TItem>>(createCall(), "", changed ? "a steady count" : "an end");
        }
    }

    /// <summary>Reads the pages by <c>NextToken</c> until there is none.</summary>
    /// <param name="nextToken">Returns the token of the next page; null or empty for the last page.</param>
    /// <param name="beforePage">See <see cref="Vpc.RouteEntryQuery.BeforePage"/>.</param>
    /// <param name="items">Returns the items of a page; null if the response lacks the list.</param>
    public async Task<CloudResult<IReadOnlyList<TItem>>> ListByTokenAsync<TResponse, TItem>(
        Func<CloudCall> createCall, JsonTypeInfo<TResponse> type, Func<TResponse, string?> nextToken,
        Func<TResponse, IEnumerable<TItem>?> items, Func<CancellationToken, Task>? beforePage, CallDeadline deadline)
        where TResponse : CloudResponse
    {
        List<TItem> all = [];
        string? current = null;
        for (var page = 0; page < MaxPages; page++)
        {
            if (page > 0 && beforePage is not null) await deadline.ExcludeAsync(beforePage);
            var call = createCall().With("NextToken", current);
            var result = await transport.SendAsync(call, type, deadline);
            if (result.Error is { } error) return CloudResult.Failed<IReadOnlyList<TItem>>(error);
            if (items(result.Value!) is not { } found) return Incomplete<IReadOnlyList<TItem>>(call, result.RequestId, "its list");
            all.AddRange(found);
            var next = nextToken(result.Value!);
            if (string.IsNullOrEmpty(next)) return CloudResult.Success<IReadOnlyList<TItem>>(all, result.RequestId);
            if (next == current) return Incomplete<IReadOnlyList<TItem>>(call, result.RequestId, "a new token");
            current = next;
        }

        return Incomplete<IReadOnlyList<TItem>>(createCall(), "", "an end");
    }

    /// <summary>An error for a response that lacks a required part.</summary>
    public static CloudResult<T> Incomplete<T>(CloudCall call, string requestId, string missing) where T : class =>
        CloudResult.Failed<T>(CloudErrors.Incomplete(call, requestId, missing));

    /// <summary>The items that are not null; none for a list that is absent.</summary>
    public static IEnumerable<T> Present<T>(IEnumerable<T?>? items) where T : class => items is null ? [] : items.OfType<T>();

    private string RegionOf(string regionId) => Options.RegionId ?? regionId;
}
