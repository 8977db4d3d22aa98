namespace Flannel.AliCloud.Http;

/// <summary>The proxy of the environment in messages without its user and password. The messages of HttpClient quote its complete
/// address.</summary>
internal static class Proxies
{
    /// <returns>Scheme, host and port of the proxy; null if calls to <paramref name="address"/> use no proxy.</returns>
    public static string? DisplayName(Uri address) =>
        AddressOf(address)?.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

    /// <summary>For connecting. It may contain a password and must not be shown.</summary>
    public static Uri? AddressOf(Uri address) =>
        HttpClient.DefaultProxy.IsBypassed(address) ? null : HttpClient.DefaultProxy.GetProxy(address);

    /// <summary>Why there is no connection to <paramref name="address"/>, on one line without a secret.</summary>
    public static string Explain(HttpRequestException e, Uri address) => (e.HttpRequestError, DisplayName(address)) switch
    {
        (HttpRequestError.ProxyTunnelError, var proxy) => $"the proxy {proxy} rejects the connection{Status(e)}",
        (HttpRequestError.SecureConnectionError, _) => $"TLS handshake failed: {(e.InnerException ?? e).Message}",
        (_, { } proxy) => $"the proxy {proxy} is unavailable: {e.Message}",
        _ => e.Message,
    };

    /// <summary>The exception has the status of the proxy only in its message, between the last two quotes.</summary>
    private static string Status(HttpRequestException e)
    {
        var parts = e.Message.Split('\'');
        return parts.Length > 1 && parts[^2] is { Length: 3 } digits && digits.All(char.IsAsciiDigit) ? $" (HTTP {digits})" : "";
    }
}
