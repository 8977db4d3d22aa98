using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Flannel.Testbed;

/// <summary>A TCP proxy on the loopback that hands every byte on later, in both directions, by a delay that can be changed at any moment.
/// Bytes are delayed, not connections: it is a slow server at the end of a fast line.</summary>
public sealed class SlowLink : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Uri target;
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private long delayTicks;

    public SlowLink(Uri target)
    {
        this.target = target;
        listener.Start();
        Endpoint = new Uri($"{target.Scheme}://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        accepting = AcceptAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>Of every byte, each way; for those that arrive from now on.</summary>
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
        using var here = client;
        using var there = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        here.NoDelay = true;
        await there.ConnectAsync(target.Host, target.Port, stop.Token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        Task[] ways = [CarryAsync(here, there, ended.Token), CarryAsync(there, here, ended.Token)];
        await Task.WhenAny(ways);
        await ended.CancelAsync();
        await Task.WhenAll(ways).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CarryAsync(Socket from, Socket to, CancellationToken cancel)
    {
        var under = Channel.CreateUnbounded<(long Arrived, byte[] Bytes)>();
        var reading = ReadAsync(from, under.Writer, cancel);
        await foreach (var (arrived, bytes) in under.Reader.ReadAllAsync(cancel))
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

    private static async Task ReadAsync(Socket from, ChannelWriter<(long, byte[])> under, CancellationToken cancel)
    {
        var buffer = new byte[64 << 10];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, cancel)) > 0)
            {
                under.TryWrite((Stopwatch.GetTimestamp(), buffer[..read]));
            }
        }
        catch (SocketException)
        {
            // The peer is gone: so is the other side, when this one ends.
        }
        finally
        {
            under.Complete();
        }
    }
}
