namespace Flannel.AliCloud.Http;

/// <summary>The proxy of the environment, as it may be told: its address may hold a user and a password, and HttpClient's own messages quote it whole.</summary>
internal static class Proxies
{
    /// <returns>Null where calls go straight to <paramref name="address"/>.</returns>
    public static string? For(Uri address) => AddressFor(address)?.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

    /// <summary>For connecting, and never to be shown.</summary>
    public static Uri? AddressFor(Uri address) => HttpClient.DefaultProxy.IsBypassed(address) ? null : HttpClient.DefaultProxy.GetProxy(address);

    /// <summary>Why there is no connection to <paramref name="address"/>, in a line that names the proxy where one is in the way.</summary>
    public static string Explain(HttpRequestException e, Uri address) => (e.HttpRequestError, For(address)) switch
    {
        (HttpRequestError.ProxyTunnelError, var proxy) => $"the proxy {proxy} opens no way to it{Status(e)}",
        (HttpRequestError.SecureConnectionError, _) => $"no TLS: {(e.InnerException ?? e).Message}",
        (_, { } proxy) => $"the proxy {proxy} is not reached: {e.Message}",
        _ => e.Message,
    };

    /// <summary>The exception carries the proxy's answer in its message alone, in the last quotes.</summary>
    private static string Status(HttpRequestException e)
    {
        var parts = e.Message.Split('\'');
        return parts.Length > 1 && parts[^2] is { Length: 3 } digits && digits.All(char.IsAsciiDigit) ? $" (HTTP {digits})" : "";
    }
}
