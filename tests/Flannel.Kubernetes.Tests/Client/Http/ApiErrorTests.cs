using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Tests.Client.Support;

namespace Flannel.Kubernetes.Tests.Client.Http;

/// <summary>The kind and the message of failed responses.</summary>
public class ApiErrorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(404, "NotFound", """nodes "n1" not found""", """{"name":"n1","kind":"nodes"}""", KubeErrorKind.NotFound,
        """get nodes/n1: nodes "n1" not found (404)""")]
    [InlineData(409, "Conflict", "the object has been modified", "{}", KubeErrorKind.Conflict,
        "get nodes/n1: the object has been modified (409)")]
    [InlineData(410, "Expired", "too old resource version: 1 (9)", "{}", KubeErrorKind.Expired,
        "get nodes/n1: too old resource version: 1 (9) (410)")]
    [InlineData(429, "TooManyRequests", "try again", "{}", KubeErrorKind.TooManyRequests, "get nodes/n1: try again (429)")]
    [InlineData(500, "InternalError", "etcdserver: request timed out", "{}", KubeErrorKind.Unavailable,
        "get nodes/n1: etcdserver: request timed out (500)")]
    [InlineData(503, "ServiceUnavailable", "not now", "{}", KubeErrorKind.Unavailable, "get nodes/n1: not now (503)")]
    [InlineData(504, "Timeout", "too slow", "{}", KubeErrorKind.Unavailable, "get nodes/n1: too slow (504)")]
    [InlineData(400, "BadRequest", "no such field", "{}", KubeErrorKind.Invalid, "get nodes/n1: no such field (400)")]
    [InlineData(422, "Invalid", "spec: wrong", "{}", KubeErrorKind.Invalid, "get nodes/n1: spec: wrong (422)")]
    public async Task A_status_of_the_API_server_has_a_kind_and_its_message(
        int status, string reason, string message, string details, KubeErrorKind kind, string expected)
    {
        await using var server = await StubApiServer.StartAsync(status, Json.Status(status, reason, message, details));
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal((kind, expected, status, false), (e.Kind, e.Message, e.HttpStatus, e.MayHaveHappened));
        Assert.Equal([$"get nodes {status}"], parts.Observer.Requests);
    }

    [Fact]
    public async Task A_missing_permission_names_the_rule_that_grants_it()
    {
        const string refusal =
            """nodes "n1" is forbidden: User "system:serviceaccount:kube-flannel:flannel" cannot patch resource "nodes/status" in API group "" """
            + "at the cluster scope";
        await using var server = await StubApiServer.StartAsync(403, Json.Status(403, "Forbidden", refusal, """{"name":"n1"}"""));
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token));
        Assert.Equal(KubeErrorKind.Forbidden, e.Kind);
        Assert.Equal(
            $$"""patch nodes/n1/status: missing permission: {{refusal}}; add to its ClusterRole: apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"]""",
            e.Message);
        Assert.False(e.MayHaveHappened);
    }

    [Fact]
    public async Task A_refusal_by_an_admission_plugin_names_no_rule()
    {
        await using var server = await StubApiServer.StartAsync(
            403, Json.Status(403, "Forbidden", "node \"n2\" is not allowed to modify node \"n1\""));
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token));
        Assert.Equal("patch nodes/n1/status: node \"n2\" is not allowed to modify node \"n1\" (403)", e.Message);
    }

    [Fact]
    public async Task A_rejected_token_is_read_and_sent_once_more_and_is_not_printed()
    {
        await using var server = await StubApiServer.StartAsync(401, Json.Status(401, "Unauthorized", "Unauthorized"));
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal(KubeErrorKind.Unauthorized, e.Kind);
        Assert.Equal(
            $"get nodes/n1: {server.Address} rejects the token of kubeconfig {server.Folder}/kubeconfig (401); "
            + "check that it belongs to this cluster and has not expired",
            e.Message);
        Assert.Equal(2, server.Requests.Count);
        Assert.Equal(["get nodes 401", "get nodes 401"], parts.Observer.Requests);
        Assert.DoesNotContain(Clients.Token, string.Concat(parts.Logged), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("retry-after", "3", "{}", 3)]
    [InlineData(null, null, """{"retryAfterSeconds":9}""", 9)]
    [InlineData("retry-after", "86400", "{}", 300)]
    [InlineData("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT", "{}", 300)]
    [InlineData(null, null, """{"retryAfterSeconds":2147483647}""", 300)]
    public async Task The_time_that_the_API_server_asks_for_is_passed_on(string? header, string? value, string details, int seconds)
    {
        await using var server = await StubApiServer.StartAsync(context =>
        {
            if (header is not null) context.Response.Headers[header] = value;
            return StubApiServer.WriteAsync(context, 429, Json.Status(429, "TooManyRequests", "later", details));
        });
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal(TimeSpan.FromSeconds(seconds), e.RetryAfter);
    }

    [Fact]
    public async Task A_404_that_names_no_object_does_not_say_that_the_object_is_missing()
    {
        await using var server = await StubApiServer.StartAsync(
            404, Json.Status(404, "NotFound", "the server could not find the requested resource"));
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetLeaseAsync(new ObjectName("ns", "x"), Token));
        Assert.Equal((KubeErrorKind.Invalid,
            $"get leases/ns/x: {server.Address} does not have this resource (the server could not find the requested resource); "
            + "it is no API server, or its version is not supported"), (e.Kind, e.Message));
    }

    [Fact]
    public async Task Another_server_is_named_with_the_beginning_of_its_text()
    {
        await using var server = await StubApiServer.StartAsync(
            404, $"404 page\u001b[31m not found\n{new string('x', 1000)}", "text/plain");
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.StartsWith(
            $"get nodes/n1: {server.Address} responds with 404: 404 page?[31m not found xxx", e.Message, StringComparison.Ordinal);
        Assert.True(e.Message.Length < 600, e.Message);
    }

    [Theory]
    [InlineData("<html>login</html>")]
    [InlineData("{\"metadata\":{\"name\":\"n1\"}}")]
    [InlineData("null")]
    [InlineData("{\"metadata\":{\"name\":\"n1\",")]
    public async Task A_success_without_the_object_is_an_error_and_a_write_may_have_happened(string body)
    {
        await using var server = await StubApiServer.StartAsync(200, body);
        using var api = Clients.Of(server);
        var read = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal((KubeErrorKind.Invalid, false), (read.Kind, read.MayHaveHappened));
        var write = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token));
        Assert.Equal((KubeErrorKind.Invalid, true), (write.Kind, write.MayHaveHappened));
    }

    [Fact]
    public async Task A_write_may_have_happened_after_a_response_of_a_failed_server()
    {
        await using var server = await StubApiServer.StartAsync(504, Json.Status(504, "Timeout", "too slow"));
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", new NodeStatusPatch(), Token));
        Assert.True(e.MayHaveHappened);
        var review = await Assert.ThrowsAsync<KubeException>(() => api.CanIAsync(new AccessReview("get", "", "nodes"), Token));
        Assert.False(review.MayHaveHappened);
    }
}
