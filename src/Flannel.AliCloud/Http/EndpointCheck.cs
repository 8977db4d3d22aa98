using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Flannel.AliCloud.Http;

/// <summary>The outcome of a check of a service's hosts.</summary>
/// <param name="Service">As in host names: <c>vpc</c>, <c>ecs</c>, <c>sts</c>.</param>
/// <param name="Detail">One line: the host, its address and the TLS version; or why it is unavailable.</param>
/// <param name="Warning">The failures of hosts that were tried before; empty without one.</param>
public sealed record EndpointCheckResult(string Service, string Detail, bool IsReachable, string Warning);

/// <summary>Checks name resolution, connection and TLS handshake of a service's hosts in the order in which a call tries them. It sends no
/// request.</summary>
public static class EndpointCheck
{
    public static Task<EndpointCheckResult> VpcAsync(
        CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation) =>
        CheckAsync(CloudService.Vpc, options, regionId, time, cancellation);

    public static Task<EndpointCheckResult> EcsAsync(
        CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation) =>
        CheckAsync(CloudService.Ecs, options, regionId, time, cancellation);

    /// <summary>STS is needed only for assumed roles.</summary>
    public static Task<EndpointCheckResult> StsAsync(
        CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation) =>
        CheckAsync(CloudService.Sts, options, regionId, time, cancellation);

    private static async Task<EndpointCheckResult> CheckAsync(
        CloudService service, CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation)
    {
        List<string> failures = [];
        foreach (var endpoint in new CloudEndpoints(options.Endpoint, time).Candidates(service, regionId))
        {
            // Once for the connection, once for the TLS handshake.
            using var timeout = new CancellationTokenSource(options.ConnectTimeout + options.ConnectTimeout, time);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
            try
            {
                var detail = await ConnectAsync(endpoint, options, linked.Token);
                return new EndpointCheckResult(service.Name(), detail, true, string.Join("; ", failures));
            }
            catch (Exception e) when (e is SocketException or IOException or AuthenticationException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failures.Add(Reason(endpoint, e));
                // Like a call: only a name that does not resolve leads to the next host.
                if (!IsUnknownName(e)) break;
            }
        }

        var reason = failures.Count > 0 ? string.Join("; ", failures) : $"'{regionId}' is not a region id";
        return new EndpointCheckResult(service.Name(), reason, false, "");
    }

    private static async Task<string> ConnectAsync(CloudEndpoint endpoint, CloudApiOptions options, CancellationToken cancellation)
    {
        if (Proxies.AddressOf(endpoint.Address) is { } proxy)
        {
            // The proxy resolves and connects to the host.
            using var toProxy = await OpenAsync(proxy, options, cancellation);
            return $"{endpoint} through the proxy {Proxies.DisplayName(endpoint.Address)}";
        }

        using var socket = await OpenAsync(endpoint.Address, options, cancellation);
        var peer = ((IPEndPoint)socket.RemoteEndPoint!).Address;
        if (peer.IsIPv4MappedToIPv6) peer = peer.MapToIPv4();
        if (endpoint.IsPlain) return $"{endpoint} is {peer}, without TLS";
        await using var stream = new SslStream(new NetworkStream(socket));
        var tls = new SslClientAuthenticationOptions { TargetHost = endpoint.Address.DnsSafeHost };
        await stream.AuthenticateAsClientAsync(tls, cancellation);
        return $"{endpoint} is {peer}, {(stream.SslProtocol == SslProtocols.Tls13 ? "TLS 1.3" : "TLS 1.2")}";
    }

    private static async Task<Socket> OpenAsync(Uri address, CloudApiOptions options, CancellationToken cancellation)
    {
        var addresses = await NameLookup.ResolveAsync(address.DnsSafeHost, options, cancellation);
        return await NameLookup.OpenAsync(addresses, address.Port, cancellation);
    }

    private static bool IsUnknownName(Exception e) =>
        e is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain };

    private static string Reason(CloudEndpoint endpoint, Exception e)
    {
        var text = (e is OperationCanceledException ? "timed out" : e.Message).ReplaceLineEndings(" ");
        if (Proxies.DisplayName(endpoint.Address) is { } proxy) return $"{endpoint}: the proxy {proxy} is unavailable: {text}";
        if (IsUnknownName(e)) return $"{endpoint.Address.DnsSafeHost} does not resolve: {text}";
        return e is AuthenticationException
            ? $"{endpoint}: TLS handshake failed: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}"
            : $"{endpoint}: {text}";
    }
}
