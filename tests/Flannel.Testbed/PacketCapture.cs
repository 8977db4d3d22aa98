using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>An IPv4 packet with the outer and, if it is VXLAN, the inner addresses.</summary>
/// <param name="Port">The destination port of UDP; 0 for another protocol.</param>
/// <param name="Vni">Null if it is not VXLAN.</param>
/// <param name="InnerFrom">Null if it is not VXLAN with IPv4 inside.</param>
public sealed record CapturedPacket(string From, string To, int Port, int? Vni, string? InnerFrom, string? InnerTo);

/// <summary>Captures the IPv4 packets on all links of a network namespace.</summary>
public sealed class PacketCapture : IAsyncDisposable
{
    private const AddressFamily Packets = (AddressFamily)65536;
    private const short EveryProtocol = 0x0003;
    private const int EthernetHeader = 14;
    private const int UdpHeader = 8;
    private const int VxlanHeader = 8;
    private const byte Udp = 17;

    private readonly Socket socket;
    private readonly int vxlanPort;
    private readonly ConcurrentQueue<CapturedPacket> captured = [];
    private readonly Task capturing;

    private PacketCapture(Socket socket, int vxlanPort)
    {
        (this.socket, this.vxlanPort) = (socket, vxlanPort);
        capturing = Task.Run(CaptureAsync);
    }

    public IReadOnlyCollection<CapturedPacket> Captured => captured;

    public static async Task<PacketCapture> StartAsync(NetworkNamespace ns, int vxlanPort)
    {
        var protocol = (ProtocolType)IPAddress.HostToNetworkOrder(EveryProtocol);
        var socket = await ns.CreateSocketAsync(Packets, SocketType.Raw, protocol);
        socket.ReceiveBufferSize = 8 << 20;
        return new PacketCapture(socket, vxlanPort);
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await capturing;
    }

    private async Task CaptureAsync()
    {
        var buffer = new byte[256 * 1024];
        try
        {
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer);
                if (Read(buffer.AsSpan(0, length)) is { } packet)
                {
                    captured.Enqueue(packet);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private CapturedPacket? Read(ReadOnlySpan<byte> frame)
    {
        if (!IsIpv4(frame))
        {
            return null;
        }
        var packet = frame[EthernetHeader..];
        var result = new CapturedPacket(Address(packet, 12), Address(packet, 16), 0, null, null, null);
        var header = (packet[0] & 15) * 4;
        if (packet[9] != Udp || packet.Length < header + UdpHeader + VxlanHeader)
        {
            return result;
        }
        var segment = packet[header..];
        var port = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]);
        if (port != vxlanPort)
        {
            return result with { Port = port };
        }
        var vxlan = segment[UdpHeader..];
        var vni = BinaryPrimitives.ReadInt32BigEndian(vxlan[4..]) >> 8;
        var inner = vxlan[VxlanHeader..];
        result = result with { Port = port, Vni = vni };
        return IsIpv4(inner)
            ? result with { InnerFrom = Address(inner, EthernetHeader + 12), InnerTo = Address(inner, EthernetHeader + 16) }
            : result;
    }

    private static bool IsIpv4(ReadOnlySpan<byte> frame) =>
        frame.Length >= EthernetHeader + 20 && BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == 0x0800;

    private static string Address(ReadOnlySpan<byte> bytes, int at) => new IPAddress(bytes.Slice(at, 4)).ToString();
}
