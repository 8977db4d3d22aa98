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
    private int answered;

    private DnsServer(Socket socket, string name, IPAddress address)
    {
        (this.socket, this.name, this.address) = (socket, Encode(name), address.GetAddressBytes());
        _ = ServeAsync();
    }

    /// <summary>The number of queries for the name.</summary>
    public int Answered => answered;

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
                var question = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                if (question.ReceivedBytes > HeaderLength)
                {
                    await socket.SendToAsync(Answer(buffer.AsSpan(0, question.ReceivedBytes)), question.RemoteEndPoint);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> question)
    {
        // The response repeats the question (name, type, class) without the EDNS record that may follow.
        var nameLength = question[HeaderLength..].IndexOf((byte)0) + 1;
        var asked = question[..(HeaderLength + nameLength + 4)];
        var known = asked[HeaderLength..].StartsWith(name);
        var isAddress = known && asked[^3] == TypeA;
        List<byte> answer = [.. asked];
        // Flags of a response to a recursive query: NXDOMAIN for other names, no record for other types.
        (answer[2], answer[3]) = (0x81, (byte)(known ? 0x80 : 0x83));
        (answer[6], answer[7], answer[8], answer[9], answer[10], answer[11]) = (0, (byte)(isAddress ? 1 : 0), 0, 0, 0, 0);
        if (isAddress)
        {
            Interlocked.Increment(ref answered);
            // Pointer to the name in the question, type A, class IN, TTL 1 s, 4 bytes.
            answer.AddRange([0xC0, HeaderLength, 0, TypeA, 0, 1, 0, 0, 0, 1, 0, 4, .. address]);
        }
        return [.. answer];
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
