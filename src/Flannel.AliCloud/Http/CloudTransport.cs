using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Http;

/// <summary>Sends one signed call and judges its answer. Repeats it once for each of: refreshed credentials, a used nonce, a corrected clock.</summary>
internal sealed class CloudTransport : IDisposable
{
    private readonly CloudApiOptions options;
    private readonly ICredentialSource? credentials;
    private readonly CloudEndpoints endpoints;
    private readonly CloudClock clock;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;
    private readonly HttpClient http;

    /// <param name="credentials">Null when every call brings its own.</param>
    /// <param name="clock">Shared by all that talk to the cloud.</param>
    public CloudTransport(
        CloudApiOptions options, ICredentialSource? credentials, CloudClock clock, TimeProvider time, Random random, ILogger logger,
        HttpMessageHandler handler)
    {
        (this.options, this.credentials, this.clock, this.time, this.random, this.logger) =
            (options, credentials, clock, time, random, logger);
        endpoints = new CloudEndpoints(options.Endpoint, time);
        http = new HttpClient(handler)
        {
            Timeout = Timeout.InfiniteTimeSpan, // ours are below, on the injected time
            // As the official SDKs for Go and .NET. The URL of a batch has up to 16 kB, and gateways limit a header field, which carries
            // the URL in HTTP/2, more tightly than a request line (docs/adr/0003-own-wire-format.md).
            DefaultRequestVersion = HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", $"flannel-aot/{options.ProgramVersion}");
        http.DefaultRequestHeaders.TryAddWithoutValidation("Accept", "application/json");
    }

    /// <summary>How far the cloud's clock was ahead of this machine's at the last answer, to the second; null before one.</summary>
    public TimeSpan? ClockDifference => clock.Measured;

    public void Dispose() => http.Dispose();

    /// <param name="source">Of the key for this call; null for the one of all calls.</param>
    public async Task<CloudResult<T>> SendAsync<T>(CloudCall call, JsonTypeInfo<T> type, CallDeadline scope, ICredentialSource? source = null)
        where T : CloudResponse
    {
        try
        {
            return await RepeatAsync(call, type, scope, source ?? credentials);
        }
        catch (OperationCanceledException) when (!scope.Caller.IsCancellationRequested)
        {
            // Only the wait for credentials ends here: a request ends in its own way.
            return new(null, CloudErrors.NotConnected("no credentials in time"), "");
        }
    }

    private async Task<CloudResult<T>> RepeatAsync<T>(CloudCall call, JsonTypeInfo<T> type, CallDeadline scope, ICredentialSource? source) where T : CloudResponse
    {
        AccessKey? key = null;
        if (call.Proof is null)
        {
            var answer = await source!.GetAsync(scope.Token);
            if (answer is not CredentialResult.Found { Key: var given }) return NoKey<T>(answer);
            key = given;
        }

        var (refreshed, renewedNonce, corrected) = (false, false, false);
        while (true)
        {
            var signedWith = clock.Offset;
            var attempt = await AttemptAsync(call, type, key, scope);
            if (attempt.Error is not { } error) return new(attempt.Value, null, attempt.Value!.RequestId!);
            var failed = new CloudResult<T>(null, error, error.RequestId);
            switch (error)
            {
                case { Code: "SignatureNonceUsed" } when !renewedNonce:
                    renewedNonce = true;
                    continue;

                case { Code: "InvalidTimeStamp.Expired" or "IllegalTimestamp" } when !corrected && attempt.ServerTime is { } now:
                    corrected = true;
                    clock.Correct(now);
                    // Another call may have corrected it meanwhile; what counts is whether this one would be signed otherwise now.
                    if ((clock.Offset - signedWith).Duration() <= CloudClock.Tolerance) return failed;
                    continue;

                case { Kind: CloudErrorKind.RefreshCredentials } when !refreshed && key is not null:
                    refreshed = true;
                    var newer = await source!.RefreshAsync(key, scope.Token);
                    if (newer is not CredentialResult.Found { Key: var newKey } || newKey.IsSameAs(key)) return failed;
                    key = newKey;
                    continue;

                default:
                    return failed;
            }
        }
    }

    private static CloudResult<T> NoKey<T>(CredentialResult answer) where T : class =>
        new(null, CloudErrors.NoCredentials(answer switch
        {
            CredentialResult.Missing missing => missing.Line,
            CredentialResult.Failed failed => failed.Line,
            _ => "no credentials",
        }), "");

    private async Task<SendResult<T>> AttemptAsync<T>(CloudCall call, JsonTypeInfo<T> type, AccessKey? key, CallDeadline scope) where T : CloudResponse
    {
        var candidates = endpoints.Candidates(call.Service, call.RegionId);
        if (candidates.Count == 0) return new(CloudErrors.BadRequest($"'{call.RegionId}' is not the name of a region"));
        var start = time.GetTimestamp();
        SendResult<T> attempt;
        for (var i = 0; ; i++)
        {
            attempt = await SendAsync(call, type, key, candidates[i], scope);
            if (attempt.NameUnknown && i + 1 < candidates.Count) continue;
            if (i > 0 && attempt.Error?.Code != CloudErrorCodes.Connect && candidates[0].Host.Contains("-vpc.", StringComparison.Ordinal))
            {
                endpoints.PreferPublic(call.Service, call.RegionId);
                logger.PublicHost(candidates[0].Host, candidates[i].Host);
            }

            break;
        }

        var milliseconds = (long)time.GetElapsedTime(start).TotalMilliseconds;
        if (attempt.Error is { Code: not "DryRunOperation" } error)
            logger.CallFailed(call.RamAction, milliseconds, error.Code, error.Kind, error.HttpStatus, error.RequestId, error.Message);
        else
            logger.CallAnswered(call.RamAction, milliseconds, attempt.Value?.RequestId ?? attempt.Error!.RequestId);
        return attempt;
    }

    private async Task<SendResult<T>> SendAsync<T>(
        CloudCall call, JsonTypeInfo<T> type, AccessKey? key, CloudEndpoint endpoint, CallDeadline scope) where T : CloudResponse
    {
        using var timeout = new CancellationTokenSource(options.RequestTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(scope.Token, timeout.Token);
        using var request = Sign(call, key, endpoint);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            var body = await BoundedBody.ReadAsync(response.Content, options.LargestAnswer, linked.Token);
            var attempt = CloudResponseReader.Read(call, type, key, response, body, clock.Now);
            if (call.Service == CloudService.Sts) CryptographicOperations.ZeroMemory(body); // it may hold a key
            if (attempt.ServerTime is { } now && clock.Measure(now) && clock.Measured is { } difference) logger.ClockSkew((long)difference.TotalSeconds);
            return attempt;
        }
        catch (OperationCanceledException) when (scope.Caller.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (!linked.IsCancellationRequested)
        {
            // The handler's own limit: ConnectTimeout. Nothing was sent.
            return new(CloudErrors.NotConnected($"{endpoint}: no connection within {options.ConnectTimeout.TotalSeconds:0} s"));
        }
        catch (OperationCanceledException)
        {
            return new(CloudErrors.NoAnswer(call, CloudErrorCodes.Timeout, $"{endpoint}: no answer in time"));
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError)
        {
            return new(CloudErrors.NotConnected($"{endpoint}: {Proxies.Explain(e, endpoint.Address)}"), NameUnknown: true);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError)
        {
            return new(CloudErrors.NotConnected($"{endpoint}: {Proxies.Explain(e, endpoint.Address)}"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new(CloudErrors.NoAnswer(call, CloudErrorCodes.InvalidResponse, $"{endpoint}: {e.Message}"));
        }
    }

    private HttpRequestMessage Sign(CloudCall call, AccessKey? key, CloudEndpoint endpoint)
    {
        var version = call.Service.Version();
        var query = Acs3Signer.CanonicalQuery(call switch
        {
            { Proof: not null } => RpcSignature.UnsignedParameters(call.Action, version, clock.Now, Nonce()),
            { IsForm: true } => [],
            _ => call.Parameters,
        });
        // The query is sent as it was signed: no second encoder may touch it.
        var address = new Uri(
            query.Length == 0 ? $"{endpoint}/" : $"{endpoint}/?{query}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Version = http.DefaultRequestVersion,
            VersionPolicy = http.DefaultVersionPolicy,
        };
        request.Headers.Host = endpoint.Host;
        if (call.Proof is { } proof)
        {
            request.Content = FormOf([.. call.Parameters, new("OIDCToken", proof.RevealText())], out _);
            return request;
        }

        byte[] body = [];
        if (call.IsForm) request.Content = FormOf(call.Parameters, out body);
        var contentType = call.IsForm ? RpcSignature.FormType : null;
        foreach (var (name, value) in RpcSignature.Headers(
                endpoint.Host, call.Action, version, clock.Now, Nonce(), query, key!, contentType, body))
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private static ByteArrayContent FormOf(IEnumerable<KeyValuePair<string, string>> parameters, out byte[] body)
    {
        var content = new ByteArrayContent(body = Encoding.ASCII.GetBytes(Acs3Signer.CanonicalQuery(parameters)));
        content.Headers.TryAddWithoutValidation("Content-Type", RpcSignature.FormType);
        return content;
    }

    private string Nonce()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (random) random.NextBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}

/// <param name="ServerTime">Of the answer's <c>Date</c> header.</param>
/// <param name="NameUnknown">The host's name did not resolve: another host may.</param>
internal sealed record SendResult<T>(T? Value, CloudError? Error, DateTimeOffset? ServerTime, bool NameUnknown) where T : CloudResponse
{
    public SendResult(CloudError error, bool NameUnknown = false) : this(null, error, null, NameUnknown) { }
}
