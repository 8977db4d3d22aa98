using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Tests.Client.Support;
using Flannel.Testbed;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Client.Http;

/// <summary>Requests without a response.</summary>
public class ConnectionErrorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_refused_connection_is_named_with_its_address_and_nothing_happened()
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{Ports.Free()}");
        using var api = Clients.Of(new KubeAccessOptions { ApiUrl = address, ServiceAccountFolder = "/nonexistent" });
        var e = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token));
        Assert.Equal((KubeErrorKind.Unavailable, $"patch nodes/n1/status: {address}: connection refused", false),
            (e.Kind, e.Message, e.MayHaveHappened));
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_is_named()
    {
        using var api = Clients.Of(new KubeAccessOptions { ApiUrl = "https://api.invalid:6443", ServiceAccountFolder = "/nonexistent" });
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetVersionAsync(Token));
        Assert.Equal(KubeErrorKind.Unavailable, e.Kind);
        Assert.StartsWith("get version: https://api.invalid:6443: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_not_accepted_ends_and_nothing_happened()
    {
        // The backlog is full: the kernel drops further connections.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(IPAddress.Loopback, port, Token);
        var address = string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{port}");
        using var api = Clients.Of(new KubeAccessOptions { ApiUrl = address, ServiceAccountFolder = "/nonexistent" });
        var e = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token));
        Assert.Equal((KubeErrorKind.Unavailable, $"patch nodes/n1/status: no connection to {address} within 5 s", false),
            (e.Kind, e.Message, e.MayHaveHappened));
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_named()
    {
        await using var server = await StubApiServer.StartAsync(200, Json.Node("n1"));
        using var api = Clients.Of(new KubeAccessOptions { ApiUrl = server.Address, ServiceAccountFolder = "/nonexistent" });
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal((KubeErrorKind.Tls, false), (e.Kind, e.CanRecover));
        Assert.StartsWith(
            $"get nodes/n1: the certificate of {server.Address["https://".Length..]} is signed by 'CN=test bed', which is not among ",
            e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_named_unless_the_kubeconfig_gives_that_name()
    {
        await using var server = await StubApiServer.StartAsync(
            context => StubApiServer.WriteAsync(context, 200, Json.Node("n1")), HttpProtocols.Http1AndHttp2, "api.example");
        using (var api = Clients.Of(server))
        {
            var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
            Assert.Equal((KubeErrorKind.Tls,
                $"get nodes/n1: the certificate of {server.Address["https://".Length..]} is for another name: api.example"),
                (e.Kind, e.Message));
        }

        var path = server.WriteKubeconfig("token: t", "certificate-authority: ca.pem\n    tls-server-name: api.example");
        using var named = Clients.Of(new KubeAccessOptions { KubeconfigFile = path });
        Assert.Equal("n1", (await named.GetNodeAsync("n1", Token)).Name);
    }

    [Fact]
    public async Task Insecure_skip_tls_verify_accepts_any_certificate_and_is_logged()
    {
        await using var server = await StubApiServer.StartAsync(200, Json.Node("n1"));
        var parts = new ClientParts();
        using var api = Clients.Of(
            new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig("token: t", "insecure-skip-tls-verify: true") }, parts);
        Assert.Equal("n1", (await api.GetNodeAsync("n1", Token)).Name);
        Assert.StartsWith("6003 ", Assert.Single(parts.Logged), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_a_response_ends_after_ten_seconds_and_a_write_may_have_happened()
    {
        var received = new SemaphoreSlim(0);
        await using var server = await StubApiServer.StartAsync(async context =>
        {
            received.Release();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        var time = new FakeTimeProvider();
        using var api = Clients.Of(server, new ClientParts { Time = time });
        foreach (var isWrite in new[] { true, false })
        {
            Task request = isWrite ? api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token) : api.GetNodeAsync("n1", Token);
            await received.WaitAsync(Token);
            time.Advance(TimeSpan.FromSeconds(9.9));
            Assert.False(request.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(0.1));
            var e = await Assert.ThrowsAsync<KubeException>(() => request);
            Assert.Equal((KubeErrorKind.TimedOut, isWrite), (e.Kind, e.MayHaveHappened));
            Assert.EndsWith($": no response from {server.Address} within 10 s", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task A_write_whose_connection_breaks_may_have_happened(HttpProtocols protocol)
    {
        await using var server = await StubApiServer.StartAsync(
            context =>
            {
                context.Abort();
                return Task.CompletedTask;
            },
            protocol);
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.CreateLeaseAsync(new KubeLease(new ObjectName("ns", "x"), ""), Token));
        Assert.Equal((KubeErrorKind.Unavailable, true, 0), (e.Kind, e.MayHaveHappened, e.HttpStatus));
        Assert.StartsWith($"create leases/ns/x: {server.Address}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_cancellation_of_the_caller_is_no_failure()
    {
        await using var server = await StubApiServer.StartAsync(
            context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var request = api.GetNodeAsync("n1", cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.Empty(parts.Observer.Requests);
    }

    [Fact]
    public async Task A_response_larger_than_any_object_is_an_error()
    {
        await using var server = await StubApiServer.StartAsync(
            200, Json.Node("n1", more: $$""","spec":{"podCIDR":"{{new string('x', 9 << 20)}}"}"""));
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal(
            (KubeErrorKind.Invalid, $"get nodes/n1: {server.Address}: the response is larger than 8388608 bytes"), (e.Kind, e.Message));
    }
}
