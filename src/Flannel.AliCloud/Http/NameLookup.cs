using System.Net;
using System.Net.Sockets;

namespace Flannel.AliCloud.Http;

/// <summary>How the hosts of the cloud's API are found. The C library waits for a name server that does not answer longer than a connection
/// may take: without a limit of its own, such a name would look like a host that does not answer.</summary>
internal static class NameLookup
{
    /// <summary>As <see cref="SocketsHttpHandler"/> connects by itself, apart from the limit.</summary>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint host, CloudApiOptions options, CancellationToken cancellation)
    {
        var addresses = await ResolveAsync(host.Host, options, cancellation);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, host.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="SocketException">The name does not resolve; <see cref="SocketError.HostNotFound"/> also when no name server
    /// answers.</exception>
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
                (int)SocketError.HostNotFound, $"no answer from the name service within {options.NameTimeout.TotalSeconds:0.#} s");
        }
    }
}
