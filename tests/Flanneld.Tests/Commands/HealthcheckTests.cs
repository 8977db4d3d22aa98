using System.Net;
using System.Net.Sockets;
using System.Text;
using Flannel.Etcd.Client;
using Flannel.Testbed;
using Flanneld.Commands;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Commands;

public sealed class HealthcheckTests
{
    private sealed class Health(bool ok) : IHealth
    {
        public string? Hung => null;

        public IReadOnlyList<(string Name, bool Ok, string Detail)> Checks => [("lease", true, "10.24.5.0/24"), ("route", ok, ok ? "" : "Pending")];

        public string Metrics() => "";
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true, null)]
    [InlineData("127.0.0.1", "0.0.0.0", true, null)]
    [InlineData("::1", "::1", true, null)]
    [InlineData("::1", "::", true, null)]
    [InlineData("127.0.0.1", "127.0.0.1", false, "[+]lease ok: 10.24.5.0/24; [-]route failed: Pending; flanneld is not ready")]
    public async Task It_says_what_the_daemon_still_waits_for_and_nothing_when_it_is_ready(string listening, string flag, bool ready, string? expected)
    {
        using var stop = new CancellationTokenSource();
        var server = new HealthServer(new Health(ready), TimeProvider.System, NullLogger.Instance);
        using var listener = server.Listen(new IPEndPoint(IPAddress.Parse(listening), 0), out _)!;
        var running = server.RunAsync(listener, stop.Token);
        Assert.Equal(expected, await Healthcheck.RunAsync(Options(flag, ((IPEndPoint)listener.LocalEndPoint!).Port), Cancel));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n", "200")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nConnection: close\r\n\r\n<html>\n\n\n\n", "404")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "302")]
    public async Task Another_program_on_that_port_is_not_taken_for_a_ready_daemon(string answer, string status)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = AnswerOnceAsync(listener, answer);
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Assert.Equal(
            $"http://127.0.0.1:{port}/readyz is answered by another program than flanneld (status {status}): is --healthz-port the daemon's?",
            await Healthcheck.RunAsync(Options("127.0.0.1", port), Cancel));
        await serving;
    }

    [Fact]
    public async Task Without_a_port_or_a_daemon_it_says_so()
    {
        Assert.Contains("give the port", await Healthcheck.RunAsync(Options("127.0.0.1", 0), Cancel), StringComparison.Ordinal);
        var port = Ports.Free();
        Assert.StartsWith($"no answer from http://127.0.0.1:{port}/readyz: ", await Healthcheck.RunAsync(Options("0.0.0.0", port), Cancel), StringComparison.Ordinal);
    }

    private static DaemonOptions Options(string ip, int port) => new() { HealthzIp = IPAddress.Parse(ip), HealthzPort = port };

    private static async Task AnswerOnceAsync(TcpListener listener, string answer)
    {
        using var connection = await listener.AcceptSocketAsync(Cancel);
        await connection.ReceiveAsync(new byte[4096], Cancel);
        await connection.SendAsync(Encoding.ASCII.GetBytes(answer), Cancel);
        connection.Shutdown(SocketShutdown.Send);
    }
}
