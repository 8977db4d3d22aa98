using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>Looks at every packet that passes a namespace, on all of its links, for a secret that crosses the wire in the clear.</summary>
internal sealed class PacketWatch : IAsyncDisposable
{
    private const AddressFamily Packets = (AddressFamily)65536;
    private const int EveryProtocol = 0x0003;
    private const int LargestPacket = 256 * 1024;

    private readonly Socket socket;
    private readonly Func<IPAddress, int, bool> maySend;
    private readonly Dictionary<Flow, byte[]> ends = [];
    private readonly Task watching;
    private string? found;
    private long segments;

    private PacketWatch(Socket socket, Func<IPAddress, int, bool> maySend)
    {
        (this.socket, this.maySend) = (socket, maySend);
        watching = Task.Run(WatchAsync);
    }

    private readonly record struct Flow(uint From, int FromPort, uint To, int ToPort);

    /// <param name="maySend">Who hands out secrets by its nature, by address and port.</param>
    public static async Task<PacketWatch> StartAsync(NetworkNamespace ns, Func<IPAddress, int, bool> maySend)
    {
        var socket = await ns.CreateSocketAsync(Packets, SocketType.Raw, (ProtocolType)IPAddress.HostToNetworkOrder((short)EveryProtocol));
        socket.ReceiveBufferSize = 8 << 20;
        return new PacketWatch(socket, maySend);
    }

    /// <summary>Stops looking, once all that has passed is looked at.</summary>
    /// <returns>Where a secret was seen, or null.</returns>
    /// <exception cref="TestbedException">Nothing was seen at all: then nothing is proved.</exception>
    public async Task<string?> EndAsync()
    {
        await Eventually.IsAsync("the packet watch has looked at all that came", () => Task.FromResult(socket.Available == 0), CancellationToken.None);
        socket.Dispose();
        await watching;
        return segments > 0 ? found : throw new TestbedException("the packet watch saw no TCP segment");
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await watching;
    }

    private async Task WatchAsync()
    {
        var buffer = new byte[LargestPacket];
        try
        {
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer);
                Look(buffer.AsSpan(0, length));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    /// <summary>Ethernet, IPv4, TCP; what else there is carries nothing of ours.</summary>
    private void Look(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 34 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != 0x0800)
        {
            return;
        }
        var packet = frame[14..];
        var header = (packet[0] & 15) * 4;
        var total = Math.Min(packet.Length, BinaryPrimitives.ReadUInt16BigEndian(packet[2..]));
        // Offloaded segments larger than 64 KB carry no length of their own.
        packet = total == 0 ? packet : packet[..total];
        if (packet[9] != 6 || packet.Length < header + 20)
        {
            return;
        }
        var segment = packet[header..];
        var payload = segment[Math.Min(segment.Length, (segment[12] >> 4) * 4)..];
        if (payload.Length == 0)
        {
            return;
        }
        segments++;
        var flow = new Flow(BinaryPrimitives.ReadUInt32BigEndian(packet[12..]), BinaryPrimitives.ReadUInt16BigEndian(segment),
            BinaryPrimitives.ReadUInt32BigEndian(packet[16..]), BinaryPrimitives.ReadUInt16BigEndian(segment[2..]));
        var from = new IPAddress(packet.Slice(12, 4));
        if (maySend(from, flow.FromPort))
        {
            return;
        }
        // A secret may begin in one segment and end in the next.
        byte[] text = [.. ends.GetValueOrDefault(flow) ?? [], .. payload];
        if (SecretWatch.HoldsSecret(text))
        {
            found ??= $"a packet from {from}:{flow.FromPort} to {new IPAddress(packet.Slice(16, 4))}:{flow.ToPort}";
        }
        ends[flow] = text[Math.Max(0, text.Length - SecretWatch.Longest)..];
    }
}
