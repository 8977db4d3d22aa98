using System.Net;
using System.Net.Sockets;
using System.Text;
using Flanneld.Observability;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Observability;

public sealed class HealthServerTests : IAsyncLifetime
{
    private sealed class Health : IHealth
    {
        public IReadOnlyList<ReadinessCheck> Checks { get; set; } = [new("lease", true, "10.24.5.0/24"), new("route", false, "Pending")];

        public string? Hung { get; set; }

        public string Metrics() => "flannel_ready 0\n";
    }

    private readonly Health health = new();
    private readonly CancellationTokenSource stop = new();
    // It does not advance by itself: no connection of a test times out.
    private readonly FakeTimeProvider time = new();
    private Socket? listener;
    private Task running = Task.CompletedTask;

    private Uri Base => new($"http://{listener!.LocalEndPoint}");

    public ValueTask InitializeAsync()
    {
        var server = new HealthServer(health, time, NullLogger.Instance);
        listener = server.Listen(new IPEndPoint(IPAddress.Loopback, 0)).Value;
        running = server.RunAsync(listener, stop.Token);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        listener!.Dispose();
        stop.Dispose();
    }

    [Fact]
    public async Task Liveness_has_upstreams_text()
    {
        using var client = new HttpClient();
        Assert.Equal(
            "flanneld is running\n", await client.GetStringAsync(new Uri(Base, "/healthz"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_stuck_loop_fails_liveness()
    {
        health.Hung = "the lease keeper is stuck: no progress for 700 s";
        using var client = new HttpClient();
        using var response = await client.GetAsync(new Uri(Base, "/livez"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(
            "flanneld hangs: the lease keeper is stuck: no progress for 700 s\n",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Readiness_names_failed_checks_and_follows_them()
    {
        using var client = new HttpClient();
        using var before = await client.GetAsync(new Uri(Base, "/readyz"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, before.StatusCode);
        Assert.Equal(
            "[+]lease ok: 10.24.5.0/24\n[-]route failed: Pending\nflanneld is not ready\n",
            await before.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        health.Checks = [new("lease", true, ""), new("route", true, "")];
        Assert.Equal("flanneld is ready\n", await client.GetStringAsync(new Uri(Base, "/readyz"), TestContext.Current.CancellationToken));
        Assert.Equal(
            "[+]lease ok\n[+]route ok\nflanneld is ready\n",
            await client.GetStringAsync(new Uri(Base, "/readyz?verbose"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Metrics_have_prometheus_content_type()
    {
        using var client = new HttpClient();
        using var response = await client.GetAsync(new Uri(Base, "/metrics"), TestContext.Current.CancellationToken);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
    }

    [Theory]
    [InlineData("GET /nothing HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ")]
    [InlineData("POST /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ")]
    [InlineData("HEAD /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n")]
    [InlineData("GET /healthz\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET /healthz HTTP/1.1\r\n", "HTTP/1.1 400 ")]
    public async Task An_invalid_request_gets_the_matching_status(string request, string expected) =>
        Assert.StartsWith(expected, await ExchangeAsync(Encoding.ASCII.GetBytes(request)), StringComparison.Ordinal);

    [Fact]
    public async Task An_endless_request_head_is_rejected_and_the_next_request_is_served()
    {
        Assert.StartsWith(
            "HTTP/1.1 400 ", await ExchangeAsync(Encoding.ASCII.GetBytes("GET /" + new string('a', 8187))), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await ExchangeAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(200)]
    public async Task Connections_without_a_request_never_delay_a_probe(int count)
    {
        // Time does not advance: a probe that waited for a time-out of another connection would never end.
        var idle = new List<Socket>();
        for (var i = 0; i < count; i++) idle.Add(await ConnectAsync(i % 2 == 0 ? "" : "GET /healthz HT"));
        Assert.StartsWith("HTTP/1.1 200 ", await ExchangeAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray()), StringComparison.Ordinal);

        // The oldest connection was closed, and the newest are still served.
        Assert.Equal(0, await ReceiveAsync(idle[0]));
        await idle[^1].SendAsync("TP/1.1\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await ReceiveAsync(idle[^1]));
        foreach (var socket in idle) socket.Dispose();
    }

    [Fact]
    public async Task A_request_that_arrives_byte_by_byte_ends_at_the_timeout()
    {
        using var slow = await ConnectAsync("G");
        var closed = ReceiveAsync(slow);
        for (var sent = TimeSpan.Zero; sent < HealthServer.RequestTimeout; sent += TimeSpan.FromMilliseconds(500))
        {
            Assert.False(closed.IsCompleted, $"closed after {sent}");
            await slow.SendAsync("x"u8.ToArray(), TestContext.Current.CancellationToken);
            // The response comes after the byte above was read: the server reads its connections on the same thread pool.
            Assert.StartsWith("HTTP/1.1 200 ", await ExchangeAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray()), StringComparison.Ordinal);
            time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal(0, await closed);
    }

    [Fact]
    public void A_taken_port_is_named_in_one_line()
    {
        var second = new HealthServer(health, time, NullLogger.Instance);
        var error = second.Listen((IPEndPoint)listener!.LocalEndPoint!).Error;
        Assert.Equal(
            $"cannot listen on --healthz-ip 127.0.0.1 --healthz-port {((IPEndPoint)listener.LocalEndPoint!).Port}: "
            + "another program listens on it; choose another port",
            error);
    }

    [Fact]
    public void An_address_of_another_host_is_named_in_one_line()
    {
        var server = new HealthServer(health, time, NullLogger.Instance);
        var error = server.Listen(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)).Error;
        Assert.Equal(
            "cannot listen on --healthz-ip 192.0.2.1 --healthz-port 0: it is not an address of this host; use 0.0.0.0 for all addresses",
            error);
    }

    [Theory]
    [InlineData(SocketError.AddressFamilyNotSupported, "this host has no IPv6; use an IPv4 address such as 0.0.0.0")]
    [InlineData(SocketError.AccessDenied, "port 80 is privileged; use one from 1024 on")]
    [InlineData(SocketError.AddressAlreadyInUse, "another program listens on it; choose another port")]
    [InlineData(SocketError.AddressNotAvailable, "it is not an address of this host; use 0.0.0.0 for all addresses")]
    public void A_socket_error_is_described_with_its_remedy(SocketError error, string expected) =>
        Assert.Equal(expected, HealthServer.Describe(new SocketException((int)error), new IPEndPoint(IPAddress.IPv6Any, 80)));

    private async Task<Socket> ConnectAsync(string beginning)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener!.LocalEndPoint!, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(beginning), TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>The number of received bytes; 0 when the server closed the connection.</summary>
    private static async Task<int> ReceiveAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[4096], TestContext.Current.CancellationToken);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private async Task<string> ExchangeAsync(byte[] request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener!.LocalEndPoint!, TestContext.Current.CancellationToken);
        await socket.SendAsync(request, TestContext.Current.CancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        var response = new MemoryStream();
        var buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken) is var read and > 0)
            response.Write(buffer, 0, read);
        return Encoding.UTF8.GetString(response.ToArray());
    }
}
