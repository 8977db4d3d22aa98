using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>TCP ports for programs that must be told which one to listen on, and for those that listen on it again after a stop.</summary>
/// <remarks>They lie below the range from which the kernel takes the ports of outgoing connections and of listeners that asked for any
/// (<c>net.ipv4.ip_local_port_range</c>): a port of that range may be taken by another process between two listeners.</remarks>
public static class Ports
{
    private const int First = 10_000;
    private const int LowestDefault = 32_768;
    private const string LocalRange = "/proc/sys/net/ipv4/ip_local_port_range";

    private static readonly ConcurrentDictionary<int, bool> Given = new();
    private static readonly int End = ReadEnd();

    /// <returns>A port on which nobody listens now, and which this process is not given again.</returns>
    public static int Free(IPAddress? address = null)
    {
        while (true)
        {
            var port = Random.Shared.Next(First, End);
            if (Given.TryAdd(port, true) && CanBind(new IPEndPoint(address ?? IPAddress.Loopback, port))) return port;
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
