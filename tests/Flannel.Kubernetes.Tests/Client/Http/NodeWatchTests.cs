using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Http;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Tests.Client.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Client.Http;

public class NodeWatchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lines_become_events_and_the_end_of_the_response_ends_the_watch()
    {
        await using var server = await StartAsync(
            Json.Event("ADDED", Json.Node("n1", "11")),
            "",
            Json.Event("MODIFIED", Json.Node("n2", "12")),
            Json.Event("DELETED", Json.Node("n1", "13")),
            """{"type":"NEWS","object":{"kind":"Node"}}""",
            Json.Event("BOOKMARK", """{"kind":"Node","metadata":{"resourceVersion":"14","creationTimestamp":null},"spec":{}}"""));
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var events = await ReadAsync(api, null);
        Assert.Equal(["Changed n1 11", "Changed n2 12", "Deleted n1 13", "Bookmark 14"], events);
        Assert.Equal(["watch nodes 200"], parts.Observer.Requests);
        Assert.Equal(0, parts.Observer.Interruptions);
        var request = Assert.Single(server.Requests);
        Assert.Matches("^/api/v1/nodes\\?watch=true&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=[3-6]..$", request.Target);
    }

    [Fact]
    public async Task A_watch_of_one_node_asks_for_it_and_returns_no_other()
    {
        await using var server = await StartAsync(
            Json.Event("ADDED", Json.Node("n10", "11")), Json.Event("MODIFIED", Json.Node("n1", "12")),
            Json.Event("DELETED", Json.Node("n2", "13")));
        using var api = Clients.Of(server);
        Assert.Equal(["Changed n1 12"], await ReadAsync(api, "n1"));
        Assert.EndsWith("&fieldSelector=metadata.name=n1", Assert.Single(server.Requests).Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Half_a_line_at_the_end_is_no_event()
    {
        var half = Json.Event("MODIFIED", Json.Node("n1", "12"))[..^20];
        await using var server = await StubApiServer.StartAsync(
            context => StubApiServer.WriteAsync(context, 200, $"{Json.Event("ADDED", Json.Node("n1", "11"))}\n{half}"));
        using var api = Clients.Of(server);
        Assert.Equal(["Changed n1 11"], await ReadAsync(api, null));
    }

    [Theory]
    [InlineData(410, "Expired", "too old resource version: 10 (900)", KubeErrorKind.Expired)]
    [InlineData(410, "Gone", "The resourceVersion for the provided watch is too old.", KubeErrorKind.Expired)]
    [InlineData(500, "InternalError", "etcd event received with PrevKv=nil", KubeErrorKind.Unavailable)]
    [InlineData(429, "TooManyRequests", "storage is (re)initializing", KubeErrorKind.TooManyRequests)]
    public async Task An_error_event_is_a_failure_of_its_kind(int code, string reason, string message, KubeErrorKind kind)
    {
        await using var server = await StartAsync(
            Json.Event("ADDED", Json.Node("n1", "11")), Json.Event("ERROR", Json.Status(code, reason, message)));
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var events = new List<string>();
        var e = await Assert.ThrowsAsync<KubeException>(() => ReadAsync(api, null, events));
        Assert.Equal((kind, $"watch nodes: {message} ({code})"), (e.Kind, e.Message));
        Assert.Equal(["Changed n1 11"], events);
        Assert.Equal(1, parts.Observer.Interruptions);
    }

    [Theory]
    [InlineData(410, "Expired", KubeErrorKind.Expired)]
    [InlineData(403, "Forbidden", KubeErrorKind.Forbidden)]
    public async Task A_watch_that_is_not_accepted_is_a_failure_and_no_interruption(int status, string reason, KubeErrorKind kind)
    {
        await using var server = await StubApiServer.StartAsync(status, Json.Status(status, reason, "no"));
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var e = await Assert.ThrowsAsync<KubeException>(() => ReadAsync(api, null));
        Assert.Equal((kind, 0), (e.Kind, parts.Observer.Interruptions));
        Assert.Equal([$"watch nodes {status}"], parts.Observer.Requests);
    }

    [Theory]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{}}}""")]
    [InlineData("<html>")]
    public async Task A_line_that_is_no_event_is_a_failure(string line)
    {
        await using var server = await StartAsync(line);
        using var api = Clients.Of(server);
        var e = await Assert.ThrowsAsync<KubeException>(() => ReadAsync(api, null));
        Assert.Equal(KubeErrorKind.Invalid, e.Kind);
    }

    [Fact]
    public async Task A_connection_that_breaks_interrupts_the_watch()
    {
        await using var server = await StubApiServer.StartAsync(async context =>
        {
            await StubApiServer.WriteAsync(context, 200, Json.Event("ADDED", Json.Node("n1", "11")) + "\n");
            await context.Response.Body.FlushAsync(context.RequestAborted);
            context.Abort();
        });
        var parts = new ClientParts();
        using var api = Clients.Of(server, parts);
        var e = await Assert.ThrowsAsync<KubeException>(() => ReadAsync(api, null));
        Assert.Equal((KubeErrorKind.Unavailable, 1), (e.Kind, parts.Observer.Interruptions));
    }

    [Fact]
    public async Task A_watch_without_a_line_for_three_minutes_is_broken()
    {
        await using var server = await StubApiServer.StartAsync(async context =>
        {
            await StubApiServer.WriteAsync(context, 200, Json.Event("BOOKMARK", Json.Node("", "11")) + "\n");
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        var parts = new ClientParts { Time = new FakeTimeProvider() };
        using var api = Clients.Of(server, parts);
        await using var events = api.WatchNodesAsync(null, "10", Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        var next = events.MoveNextAsync().AsTask();
        var time = (FakeTimeProvider)parts.Time;
        time.Advance(TimeSpan.FromSeconds(179));
        Assert.False(next.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        var e = await Assert.ThrowsAsync<KubeException>(() => next);
        Assert.Equal((KubeErrorKind.TimedOut, $"watch nodes: no event from {server.Address} within 180 s", 1),
            (e.Kind, e.Message, parts.Observer.Interruptions));
    }

    [Fact]
    public async Task A_watch_is_read_while_the_server_holds_it_open_and_the_caller_ends_it()
    {
        var ended = new TaskCompletionSource();
        await using var server = await StubApiServer.StartAsync(async context =>
        {
            await StubApiServer.WriteAsync(context, 200, Json.Event("ADDED", Json.Node("n1", "11")) + "\n");
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.SetResult();
        });
        using var api = Clients.Of(server);
        await foreach (var next in api.WatchNodesAsync(null, "10", Token))
        {
            Assert.IsType<KubeNodeEvent.Changed>(next);
            break;
        }

        await ended.Task.WaitAsync(Token);
    }

    private static Task<StubApiServer> StartAsync(params string[] lines) =>
        StubApiServer.StartAsync(context => StubApiServer.WriteAsync(context, 200, string.Concat(lines.Select(line => $"{line}\n"))));

    private static async Task<List<string>> ReadAsync(KubeApi api, string? name, List<string>? events = null)
    {
        events ??= [];
        await foreach (var next in api.WatchNodesAsync(name, "10", Token))
        {
            events.Add(next switch
            {
                KubeNodeEvent.Changed changed => $"Changed {changed.Node.Name} {next.ResourceVersion}",
                KubeNodeEvent.Deleted deleted => $"Deleted {deleted.Node.Name} {next.ResourceVersion}",
                _ => $"Bookmark {next.ResourceVersion}",
            });
        }

        return events;
    }
}
