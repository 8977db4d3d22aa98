using System.Net;
using System.Net.Sockets;

namespace Flannel.AliCloud.Http;

/// <summary>Resolves names with a time limit of its own. The C library waits for a name server longer than a connection may take: without
/// this limit a name server that is down looks like a host that is down.</summary>
internal static class NameLookup
{
    /// <summary>Connects like <see cref="SocketsHttpHandler"/>, with the limit.</summary>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint host, CloudApiOptions options, CancellationToken cancellation)
    {
        var addresses = await ResolveAsync(host.Host, options, cancellation);
        return new NetworkStream(await OpenAsync(addresses, host.Port, cancellation), ownsSocket: true);
    }

    public static async Task<Socket> OpenAsync(IPAddress[] addresses, int port, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="SocketException">The name does not resolve. <see cref="SocketError.HostNotFound"/> also if no name server
    /// responds.</exception>
    public static async Task<IPAddress[]> ResolveAsync(string host, CloudApiOptions options, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var literal)) return [literal];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.NameTimeout);
        try
        {
            return await options.Resolve(host, limit.Token).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new SocketException(
                (int)SocketError.HostNotFound, $"no response from the name server within {options.NameTimeout.TotalSeconds:0.#} s");
        }
    }
}
