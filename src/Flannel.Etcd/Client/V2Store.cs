using System.Net;
using System.Text.Json;
using Flannel.Core.Tls;

namespace Flannel.Etcd.Client;

/// <summary>etcd's store of the v2 API, which is separate from that of v3. flannel read it until v0.15, and old guides write the
/// configuration there. etcd 3.4 and 3.5 serve it with <c>--enable-v2</c> only.</summary>
public static class V2Store
{
    private const int MaxResponseBytes = 2 << 20; // etcd's limit on a value is 1.5 MB

    /// <summary>An endpoint with the key in its v2 store; null if there is none, or it cannot be read. Without authentication, because v2
    /// has other users.</summary>
    public static async Task<string?> FindAsync(EtcdOptions options, string key, TimeProvider time, CancellationToken cancellation)
    {
        var files = new TlsFiles(options.Tls);
        var found = await Task.WhenAll(
            options.Endpoints.Select(endpoint => FindAtAsync(endpoint, key, files, options, time, cancellation)));
        return found.FirstOrDefault(endpoint => endpoint is not null);
    }

    /// <summary>True if a response of the v2 API is a key with a value, and not a directory.</summary>
    internal static bool HasValue(byte[] response)
    {
        try
        {
            using var document = JsonDocument.Parse(response);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("node", out var node)
                && node.ValueKind == JsonValueKind.Object && node.TryGetProperty("value", out _);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a property name with half a surrogate pair.
            return false;
        }
    }

    /// <returns>The endpoint if it has the key; otherwise null.</returns>
    private static async Task<string?> FindAtAsync(
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
            MaxResponseContentBufferSize = MaxResponseBytes,
            // The TLS connections to members negotiate HTTP/2. In clear text, etcd serves the v2 API in HTTP/1.1 only.
            DefaultRequestVersion = endpoint.Scheme == Uri.UriSchemeHttps ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        try
        {
            var path = string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
            using var response = await http.GetAsync(new Uri(endpoint, $"/v2/keys/{path.TrimStart('/')}"), cancellation);
            if (response.StatusCode != HttpStatusCode.OK) return null;
            return HasValue(await response.Content.ReadAsByteArrayAsync(cancellation)) ? endpoint.GetLeftPart(UriPartial.Authority) : null;
        }
        catch (Exception e) when (e is HttpRequestException or EtcdConnectException or IOException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
