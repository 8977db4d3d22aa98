using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Flannel.Testbed;

/// <summary>A DNS server with the A record of one name, to test that an executable resolves names.</summary>
public sealed class DnsServer : IDisposable
{
    private const int HeaderLength = 12;
    private const int TypeA = 1;

    private readonly Socket socket;
    private readonly byte[] name;
    private readonly byte[] address;
    private int queryCount;

    private DnsServer(Socket socket, string name, IPAddress address)
    {
        (this.socket, this.name, this.address) = (socket, Encode(name), address.GetAddressBytes());
        _ = ServeAsync();
    }

    /// <summary>The number of queries for the address of the name.</summary>
    public int QueryCount => queryCount;

    /// <summary>Listens at 127.0.0.1:53 of a network namespace.</summary>
    public static async Task<DnsServer> StartAsync(NetworkNamespace ns, string name, IPAddress address)
    {
        var socket = await ns.CreateSocketAsync(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 53));
        return new DnsServer(socket, name, address);
    }

    public void Dispose() => socket.Dispose();

    private async Task ServeAsync()
    {
        var buffer = new byte[512];
        try
        {
            while (true)
            {
                var query = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                if (query.ReceivedBytes > HeaderLength)
                {
                    await socket.SendToAsync(ResponseTo(buffer.AsSpan(0, query.ReceivedBytes)), query.RemoteEndPoint);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private byte[] ResponseTo(ReadOnlySpan<byte> query)
    {
        // The response repeats the question (name, type, class) without the EDNS record that may follow.
        var nameLength = query[HeaderLength..].IndexOf((byte)0) + 1;
        var question = query[..(HeaderLength + nameLength + 4)];
        var isKnown = question[HeaderLength..].StartsWith(name);
        var isAddress = isKnown && question[^3] == TypeA;
        List<byte> response = [.. question];
        // Flags of a response to a recursive query: NXDOMAIN for other names, no record for other types.
        (response[2], response[3]) = (0x81, (byte)(isKnown ? 0x80 : 0x83));
        // The numbers of answer, authority and additional records.
        (response[6], response[7], response[8], response[9], response[10], response[11]) = (0, (byte)(isAddress ? 1 : 0), 0, 0, 0, 0);
        if (isAddress)
        {
            Interlocked.Increment(ref queryCount);
            // Pointer to the name in the question, type A, class IN, TTL 1 s, 4 bytes.
            response.AddRange([0xC0, HeaderLength, 0, TypeA, 0, 1, 0, 0, 0, 1, 0, 4, .. address]);
        }
        return [.. response];
    }

    private static byte[] Encode(string name)
    {
        List<byte> bytes = [];
        foreach (var label in name.Split('.'))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(label));
        }
        return [.. bytes, 0];
    }
}
