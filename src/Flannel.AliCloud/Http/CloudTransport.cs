using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Http;

/// <summary>Sends a signed call and classifies its response. It retries a call once for each of these causes: refreshed credentials, a used
/// nonce, a corrected clock. Thread-safe.</summary>
internal sealed class CloudTransport : IDisposable
{
    private readonly CloudContext context;
    private readonly ICredentialSource? credentials;
    private readonly CloudEndpoints endpoints;
    private readonly HttpClient http;
    private readonly ConcurrentDictionary<CloudService, bool> plainReported = new();
    private readonly CallFailures failures = new();

    /// <param name="credentials">Null if every call brings its own.</param>
    public CloudTransport(CloudContext context, ICredentialSource? credentials)
    {
        (this.context, this.credentials) = (context, credentials);
        endpoints = new CloudEndpoints(context.Options.Endpoint, context.Time);
        http = new HttpClient(context.Handler ?? CloudHttpHandler.Create(context.Options))
        {
            Timeout = Timeout.InfiniteTimeSpan, // the time limits below use the injected time
            // Like the official SDKs for Go and .NET. The URL of a batch has up to 16 kB. Gateways limit a header field, which carries the
            // URL in HTTP/2, more tightly than a request line (docs/adr/0003-own-wire-format.md).
            DefaultRequestVersion = HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", $"flannel-aot/{context.Options.ProgramVersion}");
        http.DefaultRequestHeaders.TryAddWithoutValidation("Accept", "application/json");
    }

    private CloudClock Clock => context.Clock;

    public void Dispose() => http.Dispose();

    /// <param name="source">Supplies the key of this call; null for the key of all calls.</param>
    public async Task<CloudResult<T>> SendAsync<T>(
        CloudCall call, JsonTypeInfo<T> type, CallDeadline deadline, ICredentialSource? source = null) where T : CloudResponse
    {
        try
        {
            return await SendWithRetryAsync(call, type, deadline, source ?? credentials);
        }
        catch (OperationCanceledException) when (!deadline.Caller.IsCancellationRequested)
        {
            // Only the wait for credentials ends here: a request that times out returns an error.
            return CloudResult.Failed<T>(CloudErrors.NotConnected("fetching credentials timed out"));
        }
    }

    private async Task<CloudResult<T>> SendWithRetryAsync<T>(
        CloudCall call, JsonTypeInfo<T> type, CallDeadline deadline, ICredentialSource? source) where T : CloudResponse
    {
        AccessKey? key = null;
        if (call.OidcToken is null)
        {
            var credential = await source!.GetAsync(deadline.Token);
            if (credential is not CredentialResult.Found found) return CloudResult.Failed<T>(CloudErrors.NoCredentials(Reason(credential)));
            key = found.Key;
        }

        var (refreshed, nonceRenewed, clockCorrected) = (false, false, false);
        while (true)
        {
            var signedWithOffset = Clock.Offset;
            var attempt = await TryHostsAsync(call, type, key, deadline);
            if (attempt.Error is not { } error) return CloudResult.Success(attempt.Value!, attempt.Value!.RequestId!);
            switch (error)
            {
                case { Code: "SignatureNonceUsed" } when !nonceRenewed:
                    nonceRenewed = true;
                    break;

                case { Code: "InvalidTimeStamp.Expired" or "IllegalTimestamp" } when !clockCorrected && attempt.ServerTime is { } now:
                    clockCorrected = true;
                    if (!CorrectClock(now, signedWithOffset)) return CloudResult.Failed<T>(error);
                    break;

                case { Kind: CloudErrorKind.RefreshCredentials } when !refreshed && key is not null:
                    refreshed = true;
                    var newer = await source!.RefreshAsync(key, deadline.Token);
                    if (newer is not CredentialResult.Found { Key: var newKey } || newKey.IsSameAs(key))
                        return CloudResult.Failed<T>(error);
                    key = newKey;
                    break;

                default:
                    return CloudResult.Failed<T>(error);
            }

            context.Observer.RequestRetried(call.Service.Name(), call.Action);
        }
    }

    /// <returns>Whether a retry is signed with another time. A concurrent call may have corrected the clock before.</returns>
    private bool CorrectClock(DateTimeOffset cloudTime, TimeSpan signedWithOffset)
    {
        Clock.Correct(cloudTime);
        return (Clock.Offset - signedWithOffset).Duration() > CloudClock.Tolerance;
    }

    private static string Reason(CredentialResult result) => result switch
    {
        CredentialResult.Missing missing => missing.Reason,
        CredentialResult.Failed failed => failed.Reason,
        _ => "no credentials",
    };

    /// <summary>Sends one signed request to the first host whose name resolves, and logs the outcome.</summary>
    private async Task<SendResult<T>> TryHostsAsync<T>(CloudCall call, JsonTypeInfo<T> type, AccessKey? key, CallDeadline deadline)
        where T : CloudResponse
    {
        var candidates = endpoints.Candidates(call.Service, call.RegionId);
        if (candidates.Count == 0) return new(CloudErrors.InvalidRequest($"'{call.RegionId}' is not a region id"));
        if (candidates[0].IsPlain && plainReported.TryAdd(call.Service, true))
            context.Logger.PlainEndpoint(call.Service.DisplayName(), candidates[0].ToString());
        var start = context.Time.GetTimestamp();
        SendResult<T> attempt;
        for (var i = 0; ; i++)
        {
            attempt = await SendOnceAsync(call, type, key, candidates[i], deadline);
            if (attempt.NameUnknown && i + 1 < candidates.Count) continue;
            if (i > 0 && attempt.Error?.Code != CloudErrorCodes.Connect && candidates[0].Host.Contains("-vpc.", StringComparison.Ordinal))
            {
                endpoints.PreferPublic(call.Service, call.RegionId);
                context.Logger.PublicHost(candidates[0].Host, candidates[i].Host);
            }

            break;
        }

        Report(call, attempt, context.Time.GetElapsedTime(start));
        return attempt;
    }

    private void Report<T>(CloudCall call, SendResult<T> attempt, TimeSpan duration) where T : CloudResponse
    {
        var milliseconds = (long)duration.TotalMilliseconds;
        // A dry run that succeeds has the error DryRunOperation.
        var error = attempt.Error is { Code: not "DryRunOperation" } failure ? failure : null;
        context.Observer.RequestEnded(call.Service.Name(), call.Action, error, duration);
        if (error is null)
        {
            failures.Succeeded(call.RamAction);
            context.Logger.CallSucceeded(call.RamAction, milliseconds, attempt.Value?.RequestId ?? attempt.Error!.RequestId);
            return;
        }

        var request = error.RequestId.Length == 0 ? "" : $", request {error.RequestId}";
        var level = failures.Failed(call.RamAction, error.Kind);
        var action = call.RamAction;
        object elapsed = milliseconds, kind = error.Kind, status = error.HttpStatus;
        context.Logger.CallFailed(level, action, elapsed, error.Code, kind, status, request, error.Message);
    }

    private async Task<SendResult<T>> SendOnceAsync<T>(
        CloudCall call, JsonTypeInfo<T> type, AccessKey? key, CloudEndpoint endpoint, CallDeadline deadline) where T : CloudResponse
    {
        var options = context.Options;
        using var timeout = new CancellationTokenSource(options.RequestTimeout, context.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, timeout.Token);
        using var request = CreateRequest(call, key, endpoint);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            var body = await BoundedBody.ReadAsync(response.Content, options.MaxResponseBytes, linked.Token);
            var attempt = CloudResponseReader.Read(call, type, key, response, body, Clock.Now);
            if (call.Service == CloudService.Sts) CryptographicOperations.ZeroMemory(body); // it may contain a key
            if (attempt.ServerTime is { } now) MeasureClock(now);
            return attempt;
        }
        catch (OperationCanceledException) when (deadline.Caller.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (!linked.IsCancellationRequested)
        {
            // The limit of the handler, ConnectTimeout: nothing was sent.
            return new(CloudErrors.NotConnected($"{endpoint}: no connection within {options.ConnectTimeout.TotalSeconds:0} s"));
        }
        catch (OperationCanceledException)
        {
            return new(CloudErrors.NoResponse(call, CloudErrorCodes.Timeout, $"{endpoint}: timed out"));
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError
            or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError)
        {
            var nameUnknown = e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError;
            return new(CloudErrors.NotConnected($"{endpoint}: {Proxies.Explain(e, endpoint.Address)}"), nameUnknown);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new(CloudErrors.NoResponse(call, CloudErrorCodes.InvalidResponse, $"{endpoint}: {e.Message}"));
        }
    }

    private void MeasureClock(DateTimeOffset serverTime)
    {
        var isReported = Clock.Measure(serverTime);
        if (Clock.MeasuredDifference is { } difference) context.Observer.ClockMeasured(difference);
        if (!isReported || Clock.MeasuredDifference is not { } ahead) return;
        context.Logger.ClockSkew((long)ahead.Duration().TotalSeconds, ahead > TimeSpan.Zero ? "behind" : "ahead of");
    }

    private HttpRequestMessage CreateRequest(CloudCall call, AccessKey? key, CloudEndpoint endpoint)
    {
        var version = call.Service.Version();
        var query = Acs3Signer.CanonicalQuery(call switch
        {
            { OidcToken: not null } => RpcSignature.UnsignedParameters(call.Action, version, Clock.Now, Nonce()),
            { IsForm: true } => [],
            _ => call.Parameters,
        });
        // The query must be sent as it was signed, without another encoding.
        var address = new Uri(
            query.Length == 0 ? $"{endpoint}/" : $"{endpoint}/?{query}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Version = http.DefaultRequestVersion,
            VersionPolicy = http.DefaultVersionPolicy,
        };
        request.Headers.Host = endpoint.Host;
        if (call.OidcToken is { } token)
        {
            request.Content = FormContent(FormBytes([.. call.Parameters, new("OIDCToken", token.RevealText())]));
            return request;
        }

        var body = call.IsForm ? FormBytes(call.Parameters) : [];
        if (call.IsForm) request.Content = FormContent(body);
        var contentType = call.IsForm ? RpcSignature.FormType : null;
        foreach (var (name, value) in RpcSignature.Headers(
                endpoint.Host, call.Action, version, Clock.Now, Nonce(), query, key!, contentType, body))
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private static byte[] FormBytes(IEnumerable<KeyValuePair<string, string>> parameters) =>
        Encoding.ASCII.GetBytes(Acs3Signer.CanonicalQuery(parameters));

    private static ByteArrayContent FormContent(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", RpcSignature.FormType);
        return content;
    }

    private string Nonce()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (context.Random) context.Random.NextBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
