using System.Net;
using System.Text;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Metadata;

/// <summary>Asks the metadata service: with a token where the service gives one, else plainly. Never through a proxy. Thread-safe.</summary>
public sealed class MetadataClient : IDisposable
{
    private const int LargestAnswer = 64 << 10;

    private readonly MetadataOptions options;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;
    private readonly HttpClient http;
    private readonly MetadataToken token;

    /// <param name="random">Spreads repetitions; locked here.</param>
    public MetadataClient(MetadataOptions options, TimeProvider time, Random random, ILogger logger)
    {
        (this.options, this.time, this.random, this.logger) = (options, time, random, logger);
        http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false, // a proxy would ask its own instance's metadata
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5),
            MaxResponseHeadersLength = 16,
            ActivityHeadersPropagator = null,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        token = new MetadataToken(AskTokenAsync, time);
    }

    /// <summary>The service's address, for messages.</summary>
    public string Endpoint => options.Endpoint.GetLeftPart(UriPartial.Authority);

    /// <summary>How the service was last asked, for people: <c>token mode</c> or <c>plain mode</c>.</summary>
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
            var held = await token.GetAsync(cancellation);
            if (held.Unreachable is { } line) return new MetadataResult.Unreachable(line);
            if (held.Secret is null && options.TokenOnly)
                return new MetadataResult.Refused($"the metadata service gives no token ({held.Reason}) and plain mode is forbidden (ALIBABA_CLOUD_IMDSV1_DISABLED)");
            var answer = await AskAsync(HttpMethod.Get, $"latest/{path}", held.Secret, cancellation);
            if (answer.Unreachable is { } why) return new MetadataResult.Unreachable(why);
            logger.MetadataAnswered(path, (int)answer.Status);
            switch (answer.Status)
            {
                case HttpStatusCode.OK when answer.Text is { } text:
                    return new MetadataResult.Found(text);
                case HttpStatusCode.NotFound:
                    return new MetadataResult.Absent();
                case HttpStatusCode.Unauthorized when !renewed && held.Secret is not null:
                    renewed = true;
                    token.Drop(held.Secret);
                    continue;
                case HttpStatusCode.Forbidden when held.Secret is null && !renewed:
                    // Hardened while we ran, or the token's first refusal was a passing one: ask for a token once more.
                    renewed = true;
                    token.Forget();
                    continue;
                default:
                    return new MetadataResult.Refused(Refusal(path, answer, held));
            }
        }
    }

    private static string Refusal(string path, Answer answer, MetadataToken.Held held) => answer.Status switch
    {
        HttpStatusCode.OK => $"the metadata service's {path} is larger than {LargestAnswer} bytes",
        HttpStatusCode.Forbidden when held.Secret is null =>
            $"the metadata service refuses plain requests (HTTP 403) and gives no token ({held.Reason})",
        _ => $"the metadata service answers {path} with HTTP {(int)answer.Status}",
    };

    private async Task<MetadataToken.Held> AskTokenAsync(CancellationToken cancellation)
    {
        var answer = await AskAsync(HttpMethod.Put, "latest/api/token", null, cancellation);
        if (answer.Unreachable is { } line) return new(null, "", line);
        var text = answer.Status == HttpStatusCode.OK ? answer.Text : null;
        if (text is { Length: > 0 and <= 4096 } && !text.AsSpan().ContainsAnyExceptInRange('!', '~')) return new(new Secret(text), "", null);
        var reason = text is null ? $"HTTP {(int)answer.Status}" : "its answer is no token";
        logger.MetadataPlain(reason);
        return new(null, reason, null);
    }

    private async Task<Answer> AskAsync(HttpMethod method, string path, Secret? withToken, CancellationToken cancellation)
    {
        var pause = options.FirstPause;
        for (var repetition = 0; ; repetition++)
        {
            var answer = await AskOnceAsync(method, path, withToken, cancellation);
            var busy = answer.Status == HttpStatusCode.TooManyRequests || (int)answer.Status >= 500;
            if (!busy || repetition >= options.Repetitions) return answer;
            double chance;
            lock (random) chance = random.NextDouble();
            await Task.Delay(pause * (0.5 + chance / 2), time, cancellation);
            pause *= 1.5;
        }
    }

    private async Task<Answer> AskOnceAsync(HttpMethod method, string path, Secret? withToken, CancellationToken cancellation)
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
            var body = await BoundedBody.ReadAsync(response.Content, LargestAnswer, linked.Token);
            return new Answer(response.StatusCode, body is null ? null : Encoding.UTF8.GetString(body).Trim(), null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Answer(0, null, $"the metadata service at {Endpoint} does not answer in time");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Answer(0, null, $"the metadata service at {Endpoint} cannot be reached: {e.InnerException?.Message ?? e.Message}");
        }
    }

    private sealed record Answer(HttpStatusCode Status, string? Text, string? Unreachable);
}
