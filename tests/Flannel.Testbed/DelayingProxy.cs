using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Flannel.Testbed;

/// <summary>A TCP proxy on the loopback that delays every byte in both directions. It delays bytes, not the establishment of connections,
/// as a slow server does.</summary>
public sealed class DelayingProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Uri target;
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private long delayTicks;

    public DelayingProxy(Uri target)
    {
        this.target = target;
        listener.Start();
        Endpoint = new Uri($"{target.Scheme}://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        accepting = AcceptAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>The delay in each direction, for bytes that arrive from now on.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref delayTicks));
        set => Interlocked.Exchange(ref delayTicks, value.Ticks);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> serving = [];
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await listener.AcceptSocketAsync(stop.Token)));
            }
        }
        finally
        {
            await Task.WhenAll(serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var downstream = client;
        using var upstream = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        downstream.NoDelay = true;
        await upstream.ConnectAsync(target.Host, target.Port, stop.Token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        Task[] directions = [CopyAsync(downstream, upstream, ended.Token), CopyAsync(upstream, downstream, ended.Token)];
        await Task.WhenAny(directions);
        await ended.CancelAsync();
        await Task.WhenAll(directions).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CopyAsync(Socket from, Socket to, CancellationToken cancel)
    {
        var queue = Channel.CreateUnbounded<(long Arrived, byte[] Bytes)>();
        var reading = ReadAsync(from, queue.Writer, cancel);
        await foreach (var (arrived, bytes) in queue.Reader.ReadAllAsync(cancel))
        {
            if (Delay - Stopwatch.GetElapsedTime(arrived) is var left && left > TimeSpan.Zero)
            {
                await Task.Delay(left, cancel);
            }
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await to.SendAsync(bytes.AsMemory(sent), cancel);
            }
        }
        await reading;
    }

    private static async Task ReadAsync(Socket from, ChannelWriter<(long, byte[])> queue, CancellationToken cancel)
    {
        var buffer = new byte[64 << 10];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, cancel)) > 0)
            {
                queue.TryWrite((Stopwatch.GetTimestamp(), buffer[..read]));
            }
        }
        catch (SocketException)
        {
            // The peer closed the connection; the other direction ends with this one.
        }
        finally
        {
            queue.Complete();
        }
    }
}
