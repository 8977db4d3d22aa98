namespace Flannel.AliVpc.Api;

/// <summary>The proxy of the environment, as it may be told: its address may hold a user and a password, and HttpClient's own messages quote it whole.</summary>
internal static class Proxies
{
    /// <returns>Null where calls go straight to <paramref name="address"/>.</returns>
    public static string? For(Uri address) =>
        HttpClient.DefaultProxy.IsBypassed(address) || HttpClient.DefaultProxy.GetProxy(address) is not { } proxy
            ? null
            : proxy.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

    /// <summary>Why a request to <paramref name="address"/> got no answer.</summary>
    public static string Explain(HttpRequestException e, Uri address) => e.HttpRequestError == HttpRequestError.ProxyTunnelError
        ? $"the proxy {For(address)} opens no way to it{Status(e)}"
        : e.Message;

    /// <summary>The exception carries the proxy's answer in its message alone, in the last quotes.</summary>
    private static string Status(HttpRequestException e)
    {
        var parts = e.Message.Split('\'');
        return parts.Length > 1 && parts[^2] is { Length: 3 } digits && digits.All(char.IsAsciiDigit) ? $" (HTTP {digits})" : "";
    }
}
