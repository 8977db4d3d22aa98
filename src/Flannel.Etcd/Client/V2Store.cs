using System.Net;
using System.Text.Json;
using Flannel.Etcd.Registry;

namespace Flannel.Etcd.Client;

/// <summary>etcd's store of the v2 API, which flannel read until v0.15 and which v3 does not see: whoever follows an old guide writes the
/// configuration there. etcd serves it from 3.4 to 3.5 with <c>--enable-v2</c> only.</summary>
public static class V2Store
{
    private const int LongestAnswer = 2 << 20; // etcd's limit on a value is 1.5 MB

    /// <summary>The endpoints of which one has a key in its v2 store. Without authentication: that of v2 has other users. Nothing that can
    /// go wrong is an error here.</summary>
    public static async Task<string?> FindAsync(EtcdOptions options, string key, TimeProvider time, CancellationToken cancellation)
    {
        var files = new TlsFiles(options);
        var found = await Task.WhenAll(options.Endpoints.Select(endpoint => HasAsync(endpoint, key, files, options, time, cancellation)));
        return found.FirstOrDefault(endpoint => endpoint is not null);
    }

    /// <summary>Whether an answer of the v2 API has a key with a value, and not a folder.</summary>
    internal static bool HasValue(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("node", out var node)
                && node.ValueKind == JsonValueKind.Object && node.TryGetProperty("value", out _);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: a name that is no text, half a surrogate pair.
            return false;
        }
    }

    private static async Task<string?> HasAsync(
        Uri endpoint, string key, TlsFiles files, EtcdOptions options, TimeProvider time, CancellationToken cancellation)
    {
        var dialer = new Dialer(endpoint, files, options, time);
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, token) => dialer.ConnectAsync(token),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
        using var http = new HttpClient(handler, disposeHandler: false)
        {
            Timeout = EtcdDurations.Call,
            MaxResponseContentBufferSize = LongestAnswer,
            // What the connections to members negotiate in TLS is HTTP/2; in clear text etcd answers the v2 API in HTTP/1.1 only.
            DefaultRequestVersion = endpoint.Scheme == Uri.UriSchemeHttps ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        try
        {
            var path = string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
            using var answer = await http.GetAsync(new Uri(endpoint, $"/v2/keys/{path.TrimStart('/')}"), cancellation);
            if (answer.StatusCode != HttpStatusCode.OK) return null;
            return HasValue(await answer.Content.ReadAsByteArrayAsync(cancellation)) ? endpoint.GetLeftPart(UriPartial.Authority) : null;
        }
        catch (Exception e) when (e is HttpRequestException or EtcdConnectException or IOException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
