using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>A TCP connection between two network namespaces.</summary>
public static class TcpProbe
{
    private static readonly TimeSpan connectTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Listens at the destination and connects to it.</summary>
    /// <param name="source">The address to connect from; null for the one that the routes select.</param>
    /// <returns>The source address that the destination sees; null if there is no connection within one second.</returns>
    public static async Task<string?> SourceAddressAsync(
        NetworkNamespace from, NetworkNamespace to, IPEndPoint destination, CancellationToken cancel, string? source = null)
    {
        using var listener = await to.CreateSocketAsync(destination.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(destination);
        listener.Listen();
        using var client = await from.CreateSocketAsync(destination.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (source is not null)
        {
            client.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(connectTimeout);
        try
        {
            await client.ConnectAsync(destination, limit.Token);
            using var accepted = await listener.AcceptAsync(limit.Token);
            return ((IPEndPoint)accepted.RemoteEndPoint!).Address.ToString();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            cancel.ThrowIfCancellationRequested();
            return null;
        }
    }
}
