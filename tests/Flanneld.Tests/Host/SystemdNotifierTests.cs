using System.Net.Sockets;
using System.Text;
using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class SystemdNotifierTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Messages_arrive_at_a_path_and_in_the_abstract_namespace(bool isAbstract)
    {
        var name = $"{Path.GetTempPath()}/flannel-notify-{Guid.NewGuid():N}";
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name[1..] : name));
        using var notifier = new SystemdNotifier(isAbstract ? "@" + name[1..] : name);

        notifier.Ready("subnet 10.24.5.0/24\nsecond line");
        notifier.Alive();
        notifier.Stopping("bye");

        Assert.Equal("READY=1\nSTATUS=subnet 10.24.5.0/24 second line", Receive(manager));
        Assert.Equal("WATCHDOG=1", Receive(manager));
        Assert.Equal("STOPPING=1\nSTATUS=bye", Receive(manager));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative/name")]
    [InlineData("/nowhere/at/all")]
    public void Without_a_notify_socket_nothing_is_sent(string? socket)
    {
        using var notifier = new SystemdNotifier(socket);
        notifier.Ready("x");
    }

    [Fact]
    public async Task A_service_manager_that_does_not_read_blocks_no_loop()
    {
        var name = $"{Path.GetTempPath()}/flannel-notify-{Guid.NewGuid():N}";
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(name));
        using var notifier = new SystemdNotifier(name);
        // The queue holds from a dozen to a few hundred messages, depending on the kernel settings and the buffer.
        var queue = int.Parse(
            await File.ReadAllTextAsync("/proc/sys/net/unix/max_dgram_qlen", TestContext.Current.CancellationToken),
            System.Globalization.CultureInfo.InvariantCulture);
        await Task.Run(() =>
        {
            for (var i = 0; i < queue + 3; i++) notifier.Alive();
        }, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        File.Delete(name);
    }

    private static string Receive(Socket socket)
    {
        var buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }
}
