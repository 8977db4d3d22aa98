using System.Net.Sockets;
using System.Text;

namespace Flanneld.Host;

/// <summary>Reports the service's state to systemd (sd_notify(3)). Does nothing without <c>NOTIFY_SOCKET</c>.</summary>
internal sealed class SystemdNotifier : IDisposable
{
    // systemd reads a message at once; a service manager that does not must not block the loops.
    private const int SendTimeoutMilliseconds = 1000;

    private readonly Socket? socket;
    private readonly UnixDomainSocketEndPoint? address;

    /// <param name="notifySocket">The value of <c>NOTIFY_SOCKET</c>: a path, or a name in the abstract namespace that starts with
    /// <c>@</c>.</param>
    public SystemdNotifier(string? notifySocket)
    {
        if (string.IsNullOrEmpty(notifySocket) || notifySocket[0] is not ('/' or '@')) return;
        address = new UnixDomainSocketEndPoint(notifySocket[0] == '@' ? "\0" + notifySocket[1..] : notifySocket);
        socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = SendTimeoutMilliseconds };
    }

    public void Ready(string status) => Send($"READY=1\nSTATUS={OneLine(status)}");

    public void Status(string status) => Send($"STATUS={OneLine(status)}");

    public void Stopping(string status) => Send($"STOPPING=1\nSTATUS={OneLine(status)}");

    /// <summary>The watchdog's keep-alive (<c>WatchdogSec</c>, systemd.service(5)).</summary>
    public void Alive() => Send("WATCHDOG=1");

    public void Dispose() => socket?.Dispose();

    private void Send(string message)
    {
        try
        {
            socket?.SendTo(Encoding.UTF8.GetBytes(message), address!);
        }
        catch (SocketException)
        {
            // The service manager ended, or its queue is full: the daemon continues.
        }
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
