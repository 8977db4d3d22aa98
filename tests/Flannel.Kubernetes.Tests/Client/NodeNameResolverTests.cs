using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Tests.Client.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Client;

public class NodeNameResolverTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NODE_NAME_needs_no_request()
    {
        await using var server = await StubApiServer.StartAsync(500, "");
        Assert.Equal("n1", (await ResolveAsync(server, ("NODE_NAME", "n1"), ("POD_NAME", "p"), ("POD_NAMESPACE", "ns"))).Value);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task The_pod_says_its_node()
    {
        await using var server = await StubApiServer.StartAsync(
            200, """{"metadata":{"name":"p","namespace":"ns"},"spec":{"nodeName":"n1"}}""");
        Assert.Equal("n1", (await ResolveAsync(server, ("POD_NAME", "p"), ("POD_NAMESPACE", "ns"))).Value);
        Assert.Equal("/api/v1/namespaces/ns/pods/p", Assert.Single(server.Requests).Target);
    }

    [Theory]
    [InlineData("POD_NAME", "p")]
    [InlineData("POD_NAMESPACE", "ns")]
    [InlineData("NODE_NAME", "")]
    public async Task Without_variables_the_error_names_them(string name, string value)
    {
        await using var server = await StubApiServer.StartAsync(500, "");
        Assert.Equal("the name of the node is unknown: set NODE_NAME, or POD_NAME and POD_NAMESPACE (fieldRef: spec.nodeName)",
            (await ResolveAsync(server, (name, value))).Error);
    }

    [Theory]
    [InlineData("../../secrets")]
    [InlineData("Node_1")]
    [InlineData("-n")]
    public async Task A_name_that_no_object_can_have_is_an_error(string name)
    {
        await using var server = await StubApiServer.StartAsync(500, "");
        Assert.Equal(
            $"NODE_NAME: \"{name}\" is not the name of an object in Kubernetes", (await ResolveAsync(server, ("NODE_NAME", name))).Error);
    }

    [Fact]
    public async Task A_missing_permission_ends_the_search()
    {
        await using var server = await StubApiServer.StartAsync(403, Json.Status(403, "Forbidden", "no"));
        Assert.Equal("Kubernetes: get pods/ns/p: no (403); or set NODE_NAME",
            (await ResolveAsync(server, ("POD_NAME", "p"), ("POD_NAMESPACE", "ns"))).Error);
    }

    [Fact]
    public async Task An_unavailable_API_server_and_a_pod_without_a_node_are_asked_again()
    {
        var count = 0;
        await using var server = await StubApiServer.StartAsync(context => Interlocked.Increment(ref count) switch
        {
            1 => StubApiServer.WriteAsync(context, 503, Json.Status(503, "ServiceUnavailable", "not now")),
            2 => StubApiServer.WriteAsync(context, 200, """{"metadata":{"name":"p"},"spec":{}}"""),
            _ => StubApiServer.WriteAsync(context, 200, """{"metadata":{"name":"p"},"spec":{"nodeName":"n1"}}"""),
        });
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var time = new FakeTimeProvider();
        var search = Resolver(api, parts, time, ("POD_NAME", "p"), ("POD_NAMESPACE", "ns")).ResolveAsync(Token);
        while (!search.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(10, Token);
        }

        Assert.Equal("n1", (await search).Value);
        Assert.Equal(
            [
                "6004 name of the node not read from pod ns/p: Kubernetes: get pods/ns/p: not now (503); retrying",
                "6004 name of the node not read from pod ns/p: the pod has no node; retrying",
            ],
            parts.Logged);
    }

    private static async Task<Core.Result<string>> ResolveAsync(StubApiServer server, params (string Name, string Value)[] variables)
    {
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        return await Resolver(api, parts, TimeProvider.System, variables).ResolveAsync(Token);
    }

    private static NodeNameResolver Resolver(
        IKubeApi api, ClientParts parts, TimeProvider time, params (string Name, string Value)[] variables) =>
        new(api, name => variables.FirstOrDefault(v => v.Name == name).Value, parts.Logger, time, new Random(1));
}
