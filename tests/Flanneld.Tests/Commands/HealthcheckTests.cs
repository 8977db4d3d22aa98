using System.Net;
using System.Net.Sockets;
using System.Text;
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

        public IReadOnlyList<ReadinessCheck> Checks =>
            [new("lease", true, "10.24.5.0/24"), new("route", ok, ok ? "" : "Pending")];

        public string Metrics() => "";
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true, null)]
    [InlineData("127.0.0.1", "0.0.0.0", true, null)]
    [InlineData("::1", "::1", true, null)]
    [InlineData("::1", "::", true, null)]
    [InlineData("127.0.0.1", "127.0.0.1", false, "[+]lease ok: 10.24.5.0/24; [-]route failed: Pending; flanneld is not ready")]
    public async Task It_prints_what_is_not_ready_and_nothing_when_the_daemon_is_ready(
        string listening, string flag, bool ready, string? expected)
    {
        using var stop = new CancellationTokenSource();
        var server = new HealthServer(new Health(ready), TimeProvider.System, NullLogger.Instance);
        using var listener = server.Listen(new IPEndPoint(IPAddress.Parse(listening), 0)).Value;
        var running = server.RunAsync(listener, stop.Token);
        Assert.Equal(expected, await RunAsync(flag, ((IPEndPoint)listener.LocalEndPoint!).Port));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n", "200")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nConnection: close\r\n\r\n<html>\n\n\n\n", "404")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "302")]
    public async Task Another_program_on_the_port_is_not_taken_for_a_ready_daemon(string response, string status)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = RespondOnceAsync(listener, response);
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Assert.Equal(
            $"a program other than flanneld responds at http://127.0.0.1:{port}/readyz (status {status}): "
            + "check that --healthz-port is the daemon's",
            await RunAsync("127.0.0.1", port));
        await serving;
    }

    [Fact]
    public async Task Without_a_port_or_a_daemon_the_error_says_so()
    {
        Assert.Contains("give the port", await RunAsync("127.0.0.1", 0), StringComparison.Ordinal);
        var port = Ports.Free();
        Assert.StartsWith($"no response from http://127.0.0.1:{port}/readyz: ", await RunAsync("0.0.0.0", port), StringComparison.Ordinal);
    }

    private static async Task<string?> RunAsync(string ip, int port)
    {
        var options = new DaemonOptions { HealthzIp = IPAddress.Parse(ip), HealthzPort = port };
        return (await new Healthcheck(options).RunAsync(Cancel)).Error;
    }

    private static async Task RespondOnceAsync(TcpListener listener, string response)
    {
        using var connection = await listener.AcceptSocketAsync(Cancel);
        await connection.ReceiveAsync(new byte[4096], Cancel);
        await connection.SendAsync(Encoding.ASCII.GetBytes(response), Cancel);
        connection.Shutdown(SocketShutdown.Send);
    }
}
