using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>Free TCP ports for programs that need a port number, and that listen on it again after a restart.</summary>
/// <remarks>The ports are below the range of ephemeral ports (<c>net.ipv4.ip_local_port_range</c>), of which another process may take one
/// while the program does not listen.</remarks>
public static class Ports
{
    private const int First = 10_000;
    private const int LowestDefault = 32_768;
    private const string LocalRange = "/proc/sys/net/ipv4/ip_local_port_range";

    private static readonly ConcurrentDictionary<int, bool> Taken = new();
    private static readonly int End = ReadEnd();

    /// <returns>A port without a listener, which this process does not get a second time.</returns>
    public static int Free(IPAddress? address = null)
    {
        while (true)
        {
            var port = Random.Shared.Next(First, End);
            if (Taken.TryAdd(port, true) && CanBind(new IPEndPoint(address ?? IPAddress.Loopback, port))) return port;
        }
    }

    private static bool CanBind(IPEndPoint endPoint)
    {
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }

    private static int ReadEnd()
    {
        var lowest = int.Parse(File.ReadAllText(LocalRange).Split('\t', ' ')[0], CultureInfo.InvariantCulture);
        return lowest > First + 1000 ? lowest : LowestDefault;
    }
}
