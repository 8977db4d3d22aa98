namespace Flannel.AliCloud.Http;

/// <summary>Connections to the cloud's hosts.</summary>
internal static class CloudHttpHandler
{
    public static SocketsHttpHandler Create(CloudApiOptions options) => new()
    {
        ConnectCallback = (context, cancellation) => NameLookup.ConnectAsync(context.DnsEndPoint, options, cancellation),
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // the addresses of an endpoint change
        // Shorter than the gateways' limit: a request on a connection that they closed costs a retry.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        AllowAutoRedirect = false, // a signature is valid for one host
        UseCookies = false,
        MaxResponseHeadersLength = 64, // KiB
        ActivityHeadersPropagator = null,
        PreAuthenticate = false,
    };
}
