using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>A gateway in front of a server that speaks HTTP/2 without TLS: forwards its frames, and resets a stream on which the server has
/// sent nothing for a while, as proxies with a read time-out do. The connection stays open, and its pings are answered.</summary>
/// <param name="target">Scheme, host and port.</param>
/// <param name="idleLimit">Of a stream.</param>
/// <param name="errorCode">Of the RST_STREAM frame (RFC 9113, section 7).</param>
public sealed class StreamGateway(string target, TimeSpan idleLimit, uint errorCode) : IAsyncDisposable
{
    private const int HeaderLength = 9;
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte ResetStream = 3;
    private const byte EndOfStream = 1;

    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource stop = new();
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly List<Task> tasks = [];
    private int resets;

    /// <summary>How many streams it has reset.</summary>
    public int Resets => Volatile.Read(ref resets);

    /// <summary>Begins to listen.</summary>
    /// <returns>Scheme, host and port.</returns>
    public string Start()
    {
        listener.Start();
        tasks.Add(AcceptAsync());
        return $"http://{listener.LocalEndpoint}";
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await listener.AcceptSocketAsync(stop.Token);
            lock (tasks) tasks.Add(ServeAsync(client));
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            await server.ConnectAsync(IPAddress.Loopback, new Uri(target).Port, stop.Token);
            await using var fromClient = new NetworkStream(client);
            await using var fromServer = new NetworkStream(server);
            await Task.WhenAny(fromClient.CopyToAsync(fromServer, stop.Token), ForwardFramesAsync(fromServer, fromClient));
        }
    }

    private async Task ForwardFramesAsync(NetworkStream server, NetworkStream client)
    {
        var lastData = new Dictionary<uint, long>();
        var cut = new HashSet<uint>();
        var header = new byte[HeaderLength];
        var reading = server.ReadExactlyAsync(header, stop.Token).AsTask();
        while (true)
        {
            if (await Task.WhenAny(reading, Task.Delay(CheckInterval, stop.Token)) == reading)
            {
                await reading;
                var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
                await server.ReadExactlyAsync(payload, stop.Token);
                var stream = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(5));
                var (type, flags) = (header[3], header[4]);
                // Headers are forwarded even of a stream that was cut: their compression has a state of the connection.
                if (type != Data || !cut.Contains(stream))
                {
                    await client.WriteAsync(header, stop.Token);
                    await client.WriteAsync(payload, stop.Token);
                }

                if (type == ResetStream || (type is Data or Headers && (flags & EndOfStream) != 0)) lastData.Remove(stream);
                else if (type is Data or Headers && !cut.Contains(stream)) lastData[stream] = Stopwatch.GetTimestamp();
                reading = server.ReadExactlyAsync(header, stop.Token).AsTask();
            }

            var idle = lastData.Where(pair => Stopwatch.GetElapsedTime(pair.Value) > idleLimit).Select(pair => pair.Key).ToList();
            foreach (var stream in idle)
            {
                lastData.Remove(stream);
                cut.Add(stream);
                await client.WriteAsync(Reset(stream), stop.Token);
                Interlocked.Increment(ref resets);
            }
        }
    }

    private byte[] Reset(uint stream)
    {
        var frame = new byte[HeaderLength + sizeof(uint)];
        (frame[2], frame[3]) = (sizeof(uint), ResetStream);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(5), stream);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(HeaderLength), errorCode);
        return frame;
    }
}
