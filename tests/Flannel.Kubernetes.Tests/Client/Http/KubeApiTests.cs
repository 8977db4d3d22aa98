using System.Text.Json.Nodes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Tests.Client.Support;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Client.Http;

/// <summary>The requests as they are sent, and the objects as they are read.</summary>
public class KubeApiTests
{
    private static readonly DateTimeOffset now = new(2026, 11, 28, 1, 2, 3, 456, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpProtocols.Http1, "HTTP/1.1")]
    [InlineData(HttpProtocols.Http1AndHttp2, "HTTP/2")]
    public async Task Requests_use_the_version_that_the_server_offers_and_name_the_program(HttpProtocols offered, string version)
    {
        await using var server = await StubApiServer.StartAsync(
            context => StubApiServer.WriteAsync(context, 200, Json.Node("n1")), offered);
        using var api = Clients.Of(server);
        await api.GetNodeAsync("n1", Token);
        var request = Assert.Single(server.Requests);
        Assert.Equal(("GET", "/api/v1/nodes/n1", version, $"Bearer {Clients.Token}"),
            (request.Method, request.Target, request.Protocol, request.Authorization));
        Assert.Matches("^flanneld/1\\.2\\.3 \\(linux/(amd64|arm64)\\)$", request.Headers["User-Agent"]);
        Assert.Equal("application/json", request.Headers["Accept"]);
        Assert.Equal(server.Address, api.Address);
    }

    [Fact]
    public async Task A_node_is_read_with_all_that_is_used()
    {
        await using var server = await StubApiServer.StartAsync(200, """
            {"kind":"Node","unknown":{"a":[1,{"b":null}]},"metadata":{"name":"n1","uid":"u","resourceVersion":"5","deletionTimestamp":"2026-11-28T02:00:00Z",
            "creationTimestamp":"2026-11-28T01:02:03Z","labels":{"a":"b"},"annotations":{"x/y":"{\"k\":1}","null":null}},
            "spec":{"podCIDR":"10.24.5.0/24","podCIDRs":["10.24.5.0/24","fd00::/64"],"providerID":"alicloud://cn-beijing.i-1"},
            "status":{"conditions":[{"type":"Ready","status":"True"},{"type":"NetworkUnavailable","status":"False","reason":"FlannelIsUp",
            "message":"up","lastTransitionTime":"2026-11-28T01:02:04Z"}]}}
            """);
        using var api = Clients.Of(server);
        var node = await api.GetNodeAsync("n1", Token);
        Assert.Equal(
            ("n1", "u", "5", true, "alicloud://cn-beijing.i-1"),
            (node.Name, node.Uid, node.ResourceVersion, node.IsDeleting, node.ProviderId));
        Assert.Equal(new DateTimeOffset(2026, 11, 28, 1, 2, 3, TimeSpan.Zero), node.CreationTime);
        Assert.Equal(["10.24.5.0/24", "fd00::/64"], node.PodCidrs);
        Assert.Equal("b", node.Labels["a"]);
        Assert.Equal(("""{"k":1}""", ""), (node.Annotations["x/y"], node.Annotations["null"]));
        Assert.Equal(
            new NodeCondition(false, "FlannelIsUp", "up", new DateTimeOffset(2026, 11, 28, 1, 2, 4, TimeSpan.Zero)),
            node.NetworkUnavailable);
    }

    /// <summary>flannel panics without annotations (subnet/kube/kube.go).</summary>
    [Theory]
    [InlineData("""{"metadata":{"name":"n1","resourceVersion":"5"}}""")]
    [InlineData("""{"metadata":{"name":"n1","resourceVersion":"5","labels":null,"annotations":null},"spec":null,"status":{"conditions":null}}""")]
    public async Task A_node_without_maps_is_read(string body)
    {
        await using var server = await StubApiServer.StartAsync(200, body);
        using var api = Clients.Of(server);
        var node = await api.GetNodeAsync("n1", Token);
        Assert.Empty(node.Annotations);
        Assert.Empty(node.Labels);
        Assert.Empty(node.PodCidrs);
        Assert.Null(node.NetworkUnavailable);
    }

    [Fact]
    public async Task A_list_is_read_page_by_page()
    {
        await using var server = await StubApiServer.StartAsync(context => StubApiServer.WriteAsync(
            context, 200,
            context.Request.Query.ContainsKey("continue")
                ? $$"""{"metadata":{"resourceVersion":"9"},"items":[{{Json.Node("n2")}}]}"""
                : $$"""{"metadata":{"resourceVersion":"9","continue":"a/b=="},"items":[{{Json.Node("n1")}}]}"""));
        using var api = Clients.Of(server);
        var first = await api.ListNodesAsync(new NodeListRequest { Limit = 1, ResourceVersion = "0" }, Token);
        Assert.Equal(("9", "a/b==", "n1"), (first.ResourceVersion, first.Continue, first.Nodes.Single().Name));
        var second = await api.ListNodesAsync(new NodeListRequest { Limit = 1, ResourceVersion = "0", Continue = first.Continue }, Token);
        Assert.Equal((null, "n2"), (second.Continue, second.Nodes.Single().Name));
        Assert.Equal(
            ["/api/v1/nodes?limit=1&resourceVersion=0", "/api/v1/nodes?limit=1&continue=a/b=="], server.Requests.Select(r => r.Target));
    }

    [Fact]
    public async Task A_list_without_items_is_empty()
    {
        await using var server = await StubApiServer.StartAsync(200, """{"metadata":{"resourceVersion":"9"},"items":null}""");
        using var api = Clients.Of(server);
        Assert.Empty((await api.ListNodesAsync(new NodeListRequest("n1"), Token)).Nodes);
        Assert.Equal("/api/v1/nodes?limit=500&fieldSelector=metadata.name=n1", Assert.Single(server.Requests).Target);
    }

    [Fact]
    public async Task A_patch_of_a_node_has_what_changes_and_no_more()
    {
        await using var server = await StubApiServer.StartAsync(200, Json.Node("n1"));
        using var api = Clients.Of(server, new ClientParts { Time = new FakeTimeProvider(now) });
        await api.PatchNodeStatusAsync("n1", new NodeStatusPatch
        {
            Uid = "u",
            Annotations = new Dictionary<string, string?> { ["p/a"] = "1", ["p/b"] = null },
            NetworkUnavailable = new NodeCondition(false, "FlannelIsUp", "up", now),
        }, Token);
        var condition = new NodeCondition(true, "NoRouteCreated", "", now);
        await api.PatchNodeStatusAsync("n1", new NodeStatusPatch { NetworkUnavailable = condition }, Token);
        var annotations = new Dictionary<string, string?> { ["p/a"] = "2" };
        await api.PatchNodeStatusAsync("n1", new NodeStatusPatch { Annotations = annotations }, Token);
        var requests = server.Requests;
        Assert.All(requests, r => Assert.Equal(("PATCH", "/api/v1/nodes/n1/status", "application/strategic-merge-patch+json"),
            (r.Method, r.Target, r.Headers["Content-Type"])));
        AssertJson("""
            {"metadata":{"uid":"u","annotations":{"p/a":"1","p/b":null}},"status":{"conditions":[{"type":"NetworkUnavailable","status":"False",
            "reason":"FlannelIsUp","message":"up","lastHeartbeatTime":"2026-11-28T01:02:03Z","lastTransitionTime":"2026-11-28T01:02:03Z"}]}}
            """, requests[0].Body);
        AssertJson("""
            {"status":{"conditions":[{"type":"NetworkUnavailable","status":"True","reason":"NoRouteCreated","message":"",
            "lastHeartbeatTime":"2026-11-28T01:02:03Z","lastTransitionTime":"2026-11-28T01:02:03Z"}]}}
            """, requests[1].Body);
        AssertJson("""{"metadata":{"annotations":{"p/a":"2"}}}""", requests[2].Body);
    }

    [Fact]
    public async Task A_lease_is_written_with_times_in_microseconds_and_read_back()
    {
        string? stored = null;
        await using var server = await StubApiServer.StartAsync(context => StubApiServer.WriteAsync(context, 201, stored!));
        using var api = Clients.Of(server);
        stored = """
            {"metadata":{"name":"c","namespace":"ns","uid":"u","resourceVersion":"8","labels":{"l":"1"},"annotations":{"a":"2"}},
            "spec":{"holderIdentity":"me","leaseDurationSeconds":15,"acquireTime":"2026-11-28T01:02:03.000000Z",
            "renewTime":"2026-11-28T01:02:03.456000Z","leaseTransitions":3}}
            """;
        var lease = new KubeLease(new ObjectName("ns", "c"), "")
        {
            HolderIdentity = "me",
            Duration = TimeSpan.FromSeconds(15),
            AcquireTime = now.AddMilliseconds(-456),
            RenewTime = now,
            Transitions = 3,
        };
        var created = await api.CreateLeaseAsync(lease, Token);
        Assert.Equal(lease.RenewTime, created.RenewTime);
        Assert.Equal(
            ("8", "u", "1", "2", 3),
            (created.ResourceVersion, created.Uid, created.Labels["l"], created.Annotations["a"], created.Transitions));
        var released = created with { HolderIdentity = "", Duration = TimeSpan.Zero, RenewTime = null, AcquireTime = null };
        await api.UpdateLeaseAsync(released, Token);
        await api.GetLeaseAsync(lease.Name, Token);
        var requests = server.Requests;
        const string leases = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";
        Assert.Equal([$"POST {leases}", $"PUT {leases}/c", $"GET {leases}/c"], requests.Select(r => $"{r.Method} {r.Target}"));
        AssertJson("""
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"c","namespace":"ns"},"spec":{"holderIdentity":"me",
            "leaseDurationSeconds":15,"acquireTime":"2026-11-28T01:02:03.000000Z","renewTime":"2026-11-28T01:02:03.456000Z","leaseTransitions":3}}
            """, requests[0].Body);
        AssertJson("""
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"c","namespace":"ns","uid":"u","resourceVersion":"8",
            "labels":{"l":"1"},"annotations":{"a":"2"}},"spec":{"holderIdentity":"","leaseTransitions":3}}
            """, requests[1].Body);
    }

    [Fact]
    public async Task A_lease_without_a_resource_version_is_not_sent_as_an_update()
    {
        await using var server = await StubApiServer.StartAsync(200, "{}");
        using var api = Clients.Of(server);
        await Assert.ThrowsAsync<ArgumentException>(() => api.UpdateLeaseAsync(new KubeLease(new ObjectName("ns", "c"), ""), Token));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("")]
    public async Task A_name_that_would_be_another_path_is_not_sent(string name)
    {
        await using var server = await StubApiServer.StartAsync(200, "{}");
        using var api = Clients.Of(server);
        Assert.Equal(KubeErrorKind.Invalid, (await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync(name, Token))).Kind);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task The_path_of_a_server_is_kept_and_names_are_escaped()
    {
        await using var server = await StubApiServer.StartAsync(200, """{"gitVersion":"v1.33.2"}""");
        using var api = Clients.Of(new Flannel.Kubernetes.Client.Access.KubeAccessOptions
        {
            KubeconfigFile = server.WriteKubeconfig("token: t", server: $"{server.Address}/k8s/clusters/c-1/"),
        });
        Assert.Equal("v1.33.2", await api.GetVersionAsync(Token));
        await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("a/b", Token));
        Assert.Equal(["/k8s/clusters/c-1/version", "/k8s/clusters/c-1/api/v1/nodes/a%2Fb"], server.Requests.Select(r => r.Target));
    }

    private static void AssertJson(string expected, string actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual)), actual);
}
