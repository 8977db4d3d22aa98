using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>Scans every packet on all links of a network namespace for a secret in plain text.</summary>
internal sealed class PacketScanner : IAsyncDisposable
{
    private const AddressFamily Packets = (AddressFamily)65536;
    private const int EveryProtocol = 0x0003;
    private const int LargestPacket = 256 * 1024;

    private readonly Socket socket;
    private readonly Func<IPAddress, int, bool> maySend;
    private readonly Dictionary<Flow, byte[]> tails = [];
    private readonly Task scanning;
    private string? found;
    private long segments;

    private PacketScanner(Socket socket, Func<IPAddress, int, bool> maySend)
    {
        (this.socket, this.maySend) = (socket, maySend);
        scanning = Task.Run(ScanAsync);
    }

    private readonly record struct Flow(uint From, int FromPort, uint To, int ToPort);

    /// <param name="maySend">Whether a sender (address, port) is expected to send secrets.</param>
    public static async Task<PacketScanner> StartAsync(NetworkNamespace ns, Func<IPAddress, int, bool> maySend)
    {
        var protocol = (ProtocolType)IPAddress.HostToNetworkOrder((short)EveryProtocol);
        var socket = await ns.CreateSocketAsync(Packets, SocketType.Raw, protocol);
        socket.ReceiveBufferSize = 8 << 20;
        return new PacketScanner(socket, maySend);
    }

    /// <summary>Stops after all received packets are scanned.</summary>
    /// <returns>The packet with a secret, or null.</returns>
    /// <exception cref="TestbedException">No packet was received, so that the scan proves nothing.</exception>
    public async Task<string?> StopAsync()
    {
        await Eventually.IsAsync(
            "all received packets are scanned", () => Task.FromResult(socket.Available == 0), CancellationToken.None);
        socket.Dispose();
        await scanning;
        return segments > 0 ? found : throw new TestbedException("the packet scanner received no TCP segment");
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await scanning;
    }

    private async Task ScanAsync()
    {
        var buffer = new byte[LargestPacket];
        try
        {
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer);
                Scan(buffer.AsSpan(0, length));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    /// <summary>Only TCP over IPv4: the test bed uses nothing else.</summary>
    private void Scan(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 34 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != 0x0800)
        {
            return;
        }
        var packet = frame[14..];
        var header = (packet[0] & 15) * 4;
        var total = Math.Min(packet.Length, BinaryPrimitives.ReadUInt16BigEndian(packet[2..]));
        // The length field of offloaded segments above 64 KB is 0.
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
        // A secret may start in one segment and end in the next.
        byte[] text = [.. tails.GetValueOrDefault(flow) ?? [], .. payload];
        if (SecretScanner.ContainsSecret(text))
        {
            found ??= $"a packet from {from}:{flow.FromPort} to {new IPAddress(packet.Slice(16, 4))}:{flow.ToPort}";
        }
        tails[flow] = text[Math.Max(0, text.Length - SecretScanner.Longest)..];
    }
}
