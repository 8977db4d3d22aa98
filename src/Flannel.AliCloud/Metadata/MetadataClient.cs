using System.Net;
using System.Text;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Metadata;

/// <summary>Reads the metadata service: with a session token if the service issues one, otherwise in plain mode. It never uses a proxy.
/// Thread-safe.</summary>
public sealed class MetadataClient : IDisposable
{
    private const int MaxResponseBytes = 64 << 10;
    private const int MaxTokenLength = 4096;
    private const double PauseGrowth = 1.5;

    private readonly MetadataOptions options;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;
    private readonly HttpClient http;
    private readonly MetadataToken token;

    /// <param name="random">Source of the jitter of retries; locked here.</param>
    public MetadataClient(MetadataOptions options, TimeProvider time, Random random, ILogger logger)
    {
        (this.options, this.time, this.random, this.logger) = (options, time, random, logger);
        http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false, // a proxy would return the metadata of its own instance
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5),
            MaxResponseHeadersLength = 16, // KiB
            ActivityHeadersPropagator = null,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        token = new MetadataToken(RequestTokenAsync, time);
    }

    /// <summary>Receives the results of requests.</summary>
    public ICloudObserver Observer { get; init; } = NoCloudObserver.Instance;

    /// <summary>Scheme, host and port of the service, for messages.</summary>
    public string Endpoint => options.Endpoint.GetLeftPart(UriPartial.Authority);

    /// <summary>The mode of the last request, for messages: <c>token mode</c> or <c>plain mode</c>.</summary>
    public string Mode => token.IsHeld ? "token mode" : "plain mode";

    public void Dispose()
    {
        token.Dispose();
        http.Dispose();
    }

    /// <param name="path">Below <c>/latest/</c>, such as <c>meta-data/instance-id</c>.</param>
    public async Task<MetadataResult> GetAsync(string path, CancellationToken cancellation)
    {
        var renewed = false;
        while (true)
        {
            var current = await token.GetAsync(cancellation);
            if (current.Unreachable is { } noToken) return new MetadataResult.Unreachable(noToken);
            if (current.Secret is null && options.TokenOnly)
            {
                return new MetadataResult.Failed(
                    $"the metadata service issues no token ({current.Reason}), "
                    + $"and {SdkEnvironment.PlainMetadataDisabled} forbids plain mode");
            }

            var response = await SendWithRetryAsync(HttpMethod.Get, $"latest/{path}", current.Secret, cancellation);
            if (response.Unreachable is { } reason) return new MetadataResult.Unreachable(reason);
            logger.MetadataRead(path, (int)response.Status);
            switch (response.Status)
            {
                case HttpStatusCode.OK when response.Text is { } text:
                    return new MetadataResult.Found(text);
                case HttpStatusCode.NotFound:
                    return new MetadataResult.NotFound();
                case HttpStatusCode.Unauthorized when !renewed && current.Secret is not null:
                    renewed = true;
                    token.Remove(current.Secret);
                    continue;
                case HttpStatusCode.Forbidden when current.Secret is null && !renewed:
                    // The instance was switched to hardened mode, or the first request for a token failed temporarily.
                    renewed = true;
                    token.LeavePlainMode();
                    continue;
                default:
                    return new MetadataResult.Failed(FailureReason(path, response, current));
            }
        }
    }

    private static string FailureReason(string path, Response response, TokenResult token) => response.Status switch
    {
        HttpStatusCode.OK => $"the metadata service returns more than {MaxResponseBytes} bytes for {path}",
        HttpStatusCode.Forbidden when token.Secret is null =>
            $"the metadata service rejects requests without a token (HTTP 403) and issues no token ({token.Reason})",
        _ => $"the metadata service returns HTTP {(int)response.Status} for {path}",
    };

    private async Task<TokenResult> RequestTokenAsync(CancellationToken cancellation)
    {
        var response = await SendWithRetryAsync(HttpMethod.Put, "latest/api/token", null, cancellation);
        if (response.Unreachable is { } unreachable) return new TokenResult(null, "", unreachable);
        var text = response.Status == HttpStatusCode.OK ? response.Text : null;
        if (text is { Length: > 0 and <= MaxTokenLength } && !text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return new TokenResult(new Secret(text), "", null);
        var reason = text is null ? $"HTTP {(int)response.Status}" : "its response is not a token";
        logger.PlainMode(reason);
        return TokenResult.Plain(reason);
    }

    /// <summary>Retries after HTTP 429 and 5xx.</summary>
    private async Task<Response> SendWithRetryAsync(HttpMethod method, string path, Secret? withToken, CancellationToken cancellation)
    {
        var pause = options.FirstRetryPause;
        for (var retries = 0; ; retries++)
        {
            var response = await SendAsync(method, path, withToken, cancellation);
            var isBusy = response.Status == HttpStatusCode.TooManyRequests || (int)response.Status >= 500;
            if (!isBusy || retries >= options.MaxRetries) return response;
            double jitter;
            lock (random) jitter = random.NextDouble();
            await Task.Delay(pause * (0.5 + jitter / 2), time, cancellation);
            pause *= PauseGrowth;
        }
    }

    private async Task<Response> SendAsync(HttpMethod method, string path, Secret? withToken, CancellationToken cancellation)
    {
        var response = await SendOnceAsync(method, path, withToken, cancellation);
        Observer.MetadataRequestEnded((int)response.Status);
        return response;
    }

    private async Task<Response> SendOnceAsync(HttpMethod method, string path, Secret? withToken, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.RequestTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        using var request = new HttpRequestMessage(method, new Uri(options.Endpoint, path));
        if (method == HttpMethod.Put)
            request.Headers.TryAddWithoutValidation("X-aliyun-ecs-metadata-token-ttl-seconds", MetadataToken.LifetimeSeconds);
        if (withToken is not null) request.Headers.TryAddWithoutValidation("X-aliyun-ecs-metadata-token", withToken.RevealText());
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            var body = await BoundedBody.ReadAsync(response.Content, MaxResponseBytes, linked.Token);
            return new Response(response.StatusCode, body is null ? null : Encoding.UTF8.GetString(body).Trim(), null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Response(0, null, $"the metadata service at {Endpoint} timed out");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Response(0, null, $"the metadata service at {Endpoint} is unavailable: {e.InnerException?.Message ?? e.Message}");
        }
    }

    /// <param name="Text">Null if it is too large, or without a response.</param>
    /// <param name="Unreachable">Why there is no response; null with one.</param>
    private sealed record Response(HttpStatusCode Status, string? Text, string? Unreachable);
}
