using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>What became of the way to a service.</summary>
/// <param name="Service">As in host names: <c>vpc</c>, <c>ecs</c>, <c>sts</c>.</param>
/// <param name="Detail">The host, what it resolved to and how it was greeted; or why there is no way to it. One line.</param>
/// <param name="IsOpen">Calls can go there.</param>
/// <param name="Remark">What is worth a word although there is a way; empty for nothing.</param>
public sealed record EndpointCheckResult(string Service, string Detail, bool IsOpen, string Remark);

/// <summary>Name, connection and TLS handshake of the hosts that calls go to, one after the other as a call would try them. No request is sent.</summary>
public static class EndpointCheck
{
    public static Task<EndpointCheckResult> VpcAsync(CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation) =>
        ProbeAsync(CloudService.Vpc, options, regionId, time, cancellation);

    public static Task<EndpointCheckResult> EcsAsync(CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation) =>
        ProbeAsync(CloudService.Ecs, options, regionId, time, cancellation);

    /// <summary>Asked for assumed roles only.</summary>
    public static Task<EndpointCheckResult> StsAsync(CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation) =>
        ProbeAsync(CloudService.Sts, options, regionId, time, cancellation);

    private static async Task<EndpointCheckResult> ProbeAsync(
        CloudService service, CloudApiOptions options, string regionId, TimeProvider time, CancellationToken cancellation)
    {
        List<string> failures = [];
        foreach (var endpoint in new CloudEndpoints(options.Endpoint, time).Candidates(service, regionId))
        {
            using var tooLong = new CancellationTokenSource(options.ConnectTimeout + options.ConnectTimeout, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, tooLong.Token);
            try
            {
                if (Proxies.AddressFor(endpoint.Address) is { } proxy)
                {
                    // What lies behind it is the proxy's to resolve and to reach.
                    using var greeted = await ConnectAsync(proxy, options, limit.Token);
                    return new EndpointCheckResult(service.Name(), $"{endpoint} through the proxy {Proxies.For(endpoint.Address)}", true, "");
                }

                var greeting = await GreetAsync(endpoint, options, limit.Token);
                return new EndpointCheckResult(service.Name(), $"{endpoint} is {greeting}", true, string.Join("; ", failures));
            }
            catch (Exception e) when (e is SocketException or IOException or AuthenticationException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failures.Add(Reason(endpoint, e));
                // As a call: only a name that is not known leads on to the next host.
                if (!IsUnknownName(e)) break;
            }
        }

        return new EndpointCheckResult(
            service.Name(), failures.Count > 0 ? string.Join("; ", failures) : $"'{regionId}' is not the name of a region", false, "");
    }

    private static async Task<string> GreetAsync(CloudEndpoint endpoint, CloudApiOptions options, CancellationToken cancellation)
    {
        using var socket = await ConnectAsync(endpoint.Address, options, cancellation);
        var peer = ((IPEndPoint)socket.RemoteEndPoint!).Address;
        if (peer.IsIPv4MappedToIPv6) peer = peer.MapToIPv4();
        if (endpoint.IsPlain) return $"{peer}, without TLS";
        await using var stream = new SslStream(new NetworkStream(socket));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = endpoint.Address.DnsSafeHost }, cancellation);
        return $"{peer}, {(stream.SslProtocol == SslProtocols.Tls13 ? "TLS 1.3" : "TLS 1.2")}";
    }

    private static async Task<Socket> ConnectAsync(Uri address, CloudApiOptions options, CancellationToken cancellation)
    {
        var addresses = await NameLookup.ResolveAsync(address.DnsSafeHost, options, cancellation);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(addresses, address.Port, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsUnknownName(Exception e) => e is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain };

    private static string Reason(CloudEndpoint endpoint, Exception e) => e switch
    {
        _ when Proxies.For(endpoint.Address) is { } proxy => $"{endpoint}: the proxy {proxy} is not reached: {(e is OperationCanceledException ? "no answer" : e.Message.ReplaceLineEndings(" "))}",
        OperationCanceledException => $"{endpoint} gives no answer",
        AuthenticationException => $"{endpoint} cannot be trusted: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}",
        _ when IsUnknownName(e) => $"{endpoint.Address.DnsSafeHost} does not resolve: {e.Message.ReplaceLineEndings(" ")}",
        _ => $"{endpoint}: {e.Message.ReplaceLineEndings(" ")}",
    };
}
