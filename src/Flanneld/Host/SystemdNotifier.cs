using System.Net.Sockets;
using System.Text;

namespace Flanneld.Host;

/// <summary>Tells systemd how the service is, by the protocol of sd_notify(3). Silent where there is no <c>NOTIFY_SOCKET</c>.</summary>
internal sealed class SystemdNotifier : IDisposable
{
    // A manager that reads takes a message in no time; one that does not must not hold up the loops.
    private const int PatienceMilliseconds = 1000;

    private readonly Socket? socket;
    private readonly UnixDomainSocketEndPoint? address;

    /// <param name="notifySocket">The value of <c>NOTIFY_SOCKET</c>: a path, or a name in the abstract namespace that starts with <c>@</c>.</param>
    public SystemdNotifier(string? notifySocket)
    {
        if (string.IsNullOrEmpty(notifySocket) || notifySocket[0] is not ('/' or '@')) return;
        address = new UnixDomainSocketEndPoint(notifySocket[0] == '@' ? "\0" + notifySocket[1..] : notifySocket);
        socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = PatienceMilliseconds };
    }

    public void Ready(string status) => Send($"READY=1\nSTATUS={OneLine(status)}");

    public void Status(string status) => Send($"STATUS={OneLine(status)}");

    public void Stopping(string status) => Send($"STOPPING=1\nSTATUS={OneLine(status)}");

    /// <summary>The loops that matter have made progress; see <c>WatchdogSec</c> in systemd.service(5).</summary>
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
            // The manager went away or its queue is full; it must not take the daemon along.
        }
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
