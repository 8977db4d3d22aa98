using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud;

/// <summary>The VPC and ECS API over HTTP with our own signing. Thread-safe; one for the life of the process.</summary>
public sealed partial class CloudApi : ICloudApi, IDisposable
{
    /// <summary>More pages than any account has: a listing that does not end is not a listing.</summary>
    private const int MostPages = 200;

    private readonly CloudApiOptions options;
    private readonly TimeProvider time;
    private readonly CloudTransport transport;

    /// <param name="random">Of nonces. An unseeded one: two processes must not make the same. Locked here.</param>
    /// <param name="handler">Null for the real network.</param>
    /// <param name="clock">Shared with the credentials; null for one of its own.</param>
    public CloudApi(
        CloudApiOptions options, ICredentialSource credentials, TimeProvider time, Random random, ILogger logger,
        HttpMessageHandler? handler = null,
        CloudClock? clock = null)
    {
        (this.options, this.time) = (options, time);
        transport = new CloudTransport(
            options, credentials, clock ?? new CloudClock(time), time, random, logger, handler ?? Handler(options));
        if (options.VpcEndpoint is { IsPlain: true } vpc) logger.PlainEndpoint("VPC", vpc.ToString());
        if (options.EcsEndpoint is { IsPlain: true } ecs) logger.PlainEndpoint("ECS", ecs.ToString());
        if (options.QuotasEndpoint is { IsPlain: true } quotas) logger.PlainEndpoint("Quotas", quotas.ToString());
    }

    /// <summary>How far the cloud's clock was ahead of this machine's at the last answer, to the second; null before one. Beyond 15 minutes calls are
    /// refused, and then repeated with the cloud's time.</summary>
    public TimeSpan? ClockDifference => transport.ClockDifference;

    public void Dispose() => transport.Dispose();

    internal static SocketsHttpHandler Handler(CloudApiOptions options) => new()
    {
        ConnectCallback = (context, cancellation) => NameLookup.ConnectAsync(context.DnsEndPoint, options, cancellation),
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // the endpoint's addresses change
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), // less than the gateways': a connection that they closed costs a repetition
        AllowAutoRedirect = false, // a signature holds for one host
        UseCookies = false,
        MaxResponseHeadersLength = 64,
        ActivityHeadersPropagator = null,
        PreAuthenticate = false,
    };

    private CloudCall Read(CloudService service, string action, string regionId) =>
        CloudCall.Read(service, action, options.RegionId ?? regionId);

    private CloudCall Write(CloudService service, string action, string regionId) =>
        CloudCall.Write(service, action, options.RegionId ?? regionId);

    private CallDeadline Begin(CancellationToken cancellation) => new(options.CallTimeout, time, cancellation);

    private static CloudResult<T> Failed<T>(CloudError error) where T : class => new(null, error, error.RequestId);

    private static CloudResult<T> Incomplete<T>(CloudCall call, string requestId, string what) where T : class =>
        Failed<T>(CloudErrors.NoAnswer(call, CloudErrorCodes.InvalidResponse, $"the answer of {call.Action} lacks {what}", 200, requestId));

    /// <summary>Follows <c>PageNumber</c> until <c>TotalCount</c>. A count that changes between two pages means that the listing moved under us:
    /// it is read again from the start, a few times.</summary>
    /// <param name="items">Of a page; null when the answer lacks the list.</param>
    private async Task<CloudResult<IReadOnlyList<TItem>>> ListByNumberAsync<TAnswer, TItem>(
        Func<CloudCall> call, int pageSize, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> type, Func<TAnswer, int?> total,
        Func<TAnswer, IEnumerable<TItem>?> items, CallDeadline scope) where TAnswer : CloudResponse
    {
        for (var restarts = 0; ; restarts++)
        {
            List<TItem> all = [];
            int? expected = null;
            var moved = false;
            for (var page = 1; page <= MostPages; page++)
            {
                var request = call().With("PageNumber", page).With("PageSize", pageSize);
                var answer = await transport.SendAsync(request, type, scope);
                if (answer.Error is { } error) return Failed<IReadOnlyList<TItem>>(error);
                if (items(answer.Value!) is not { } found || total(answer.Value!) is not { } count)
                    return Incomplete<IReadOnlyList<TItem>>(request, answer.RequestId, "its list or its count");
                if (moved = expected is { } earlier && earlier != count) break;
                expected = count;
                var before = all.Count;
                all.AddRange(found);
                if (all.Count >= count) return new(all, null, answer.RequestId);
                if (moved = all.Count == before) break;
            }

            if (!moved || restarts == 3)
                return Incomplete<IReadOnlyList<TItem>>(call(), "", moved ? "a steady count" : "an end");
        }
    }

    /// <summary>Follows <c>NextToken</c> until there is none.</summary>
    /// <param name="items">Of a page; null when the answer lacks the list, or an item what it must have.</param>
    private async Task<CloudResult<IReadOnlyList<TItem>>> ListByTokenAsync<TAnswer, TItem>(
        Func<CloudCall> call, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> type, Func<TAnswer, string?> tokenAfter,
        Func<TAnswer, IReadOnlyList<TItem>?> items, CallDeadline scope) where TAnswer : CloudResponse
    {
        List<TItem> all = [];
        string? next = null;
        for (var page = 0; page < MostPages; page++)
        {
            var request = call().With("NextToken", next);
            var answer = await transport.SendAsync(request, type, scope);
            if (answer.Error is { } error) return Failed<IReadOnlyList<TItem>>(error);
            if (items(answer.Value!) is not { } found) return Incomplete<IReadOnlyList<TItem>>(request, answer.RequestId, "its list");
            all.AddRange(found);
            var token = tokenAfter(answer.Value!);
            if (string.IsNullOrEmpty(token)) return new(all, null, answer.RequestId);
            if (token == next) return Incomplete<IReadOnlyList<TItem>>(request, answer.RequestId, "a new token");
            next = token;
        }

        return Incomplete<IReadOnlyList<TItem>>(call(), "", "an end");
    }
}
