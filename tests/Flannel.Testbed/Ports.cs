using System.Net;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>Ports of the loopback that were free a moment ago, for programs that cannot say which one they took.</summary>
public static class Ports
{
    public static int Free(IPAddress? address = null)
    {
        using var listener = new TcpListener(address ?? IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
