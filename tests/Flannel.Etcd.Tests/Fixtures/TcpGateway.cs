using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>A gateway in front of a server: forwards bytes, and closes a connection whose client has sent nothing for a while. Blocked, it
/// closes all connections and accepts none.</summary>
public sealed class TcpGateway : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<Socket, bool> open = new();
    private readonly ConcurrentBag<Task> tasks = [];
    private readonly Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly IPEndPoint target;
    private readonly TimeSpan idleLimit;
    private int cut;

    /// <param name="target">Scheme, host and port.</param>
    /// <param name="idleLimit">Infinite for never.</param>
    public TcpGateway(string target, TimeSpan idleLimit)
    {
        this.target = new IPEndPoint(IPAddress.Loopback, new Uri(target).Port);
        this.idleLimit = idleLimit;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        tasks.Add(AcceptAsync());
    }

    public string Endpoint => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}";

    /// <summary>The number of connections that it has closed because they were idle.</summary>
    public int Cut => Volatile.Read(ref cut);

    public bool IsBlocked
    {
        get;
        set
        {
            field = value;
            if (value) CloseAll();
        }
    }

    public void CloseAll()
    {
        foreach (var socket in open.Keys) socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        CloseAll();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await listener.AcceptAsync(stop.Token);
            if (IsBlocked) client.Dispose();
            else tasks.Add(ServeAsync(client));
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        open[client] = open[server] = true;
        try
        {
            await server.ConnectAsync(target, stop.Token);
            await Task.WhenAny(ForwardAsync(client, server, idleLimit), ForwardAsync(server, client, Timeout.InfiniteTimeSpan));
        }
        finally
        {
            client.Dispose();
            server.Dispose();
            open.TryRemove(client, out _);
            open.TryRemove(server, out _);
        }
    }

    private async Task ForwardAsync(Socket from, Socket to, TimeSpan limit)
    {
        var buffer = new byte[1 << 16];
        while (true)
        {
            using var idle = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            idle.CancelAfter(limit);
            int count;
            try
            {
                count = await from.ReceiveAsync(buffer, idle.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                Interlocked.Increment(ref cut);
                return;
            }

            if (count == 0) return;
            for (var sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), stop.Token);
        }
    }
}
