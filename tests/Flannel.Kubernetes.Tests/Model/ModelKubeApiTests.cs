using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Model;

/// <summary>What the model has and a real server does not do on demand: faults, and the end of watches.</summary>
public sealed class ModelKubeApiTests
{
    private const string Annotation = "example.com/a";

    private readonly FakeTimeProvider time = new();
    private readonly KubeServerModel server;
    private readonly ModelKubeApi api;

    public ModelKubeApiTests()
    {
        server = new KubeServerModel(time);
        api = new ModelKubeApi(server);
        server.CreateNode("n1", "10.24.1.0/24");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static NodeStatusPatch Patch => new() { Annotations = new Dictionary<string, string?> { [Annotation] = "x" } };

    private string Version => server.Revision.ToString(System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_lost_request_has_no_effect_and_a_lost_response_has_one()
    {
        api.FailNext(ModelFault.RequestLost);
        var lost = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", Patch, Cancel));
        Assert.True(lost is { Kind: KubeErrorKind.TimedOut, MayHaveHappened: true });
        Assert.Empty(server.GetNode("n1").Annotations);
        api.FailNext(ModelFault.ResponseLost);
        lost = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync("n1", Patch, Cancel));
        Assert.True(lost.MayHaveHappened);
        Assert.Equal("x", server.GetNode("n1").Annotations[Annotation]);
    }

    [Fact]
    public async Task A_fault_is_for_the_next_matching_request()
    {
        api.FailNext(ModelFault.TooManyRequests(TimeSpan.FromSeconds(3)), request => request.Access.Verb == "list");
        await api.GetNodeAsync("n1", Cancel);
        var failure = await Assert.ThrowsAsync<KubeException>(() => api.ListNodesAsync(new NodeListRequest(), Cancel));
        Assert.Equal((KubeErrorKind.TooManyRequests, TimeSpan.FromSeconds(3)), (failure.Kind, failure.RetryAfter));
        await api.ListNodesAsync(new NodeListRequest(), Cancel);
        Assert.Equal(["get nodes n1", "list nodes", "list nodes"], api.Requests.Select(request => request.ToString()));
    }

    [Fact]
    public async Task A_slow_response_comes_in_the_time_of_the_model()
    {
        api.FailNext(ModelFault.Slow(TimeSpan.FromSeconds(5)));
        var slow = api.PatchNodeStatusAsync("n1", Patch, Cancel);
        Assert.False(slow.IsCompleted);
        Assert.Equal("x", server.GetNode("n1").Annotations[Annotation]);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("x", (await slow).Annotations[Annotation]);
    }

    [Fact]
    public async Task A_watch_receives_bookmarks_and_ends_in_time()
    {
        server.WatchTime = TimeSpan.FromSeconds(90);
        await using var events = api.WatchNodesAsync(null, Version, Cancel).GetAsyncEnumerator(Cancel);
        var next = events.MoveNextAsync().AsTask();
        time.Advance(server.BookmarkInterval);
        Assert.True(await next);
        Assert.Equal(Version, Assert.IsType<KubeNodeEvent.Bookmark>(events.Current).ResourceVersion);
        next = events.MoveNextAsync().AsTask();
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.False(await next);
        Assert.Equal(0, api.OpenWatches);
    }

    [Fact]
    public async Task Watches_break_and_become_silent()
    {
        await using var events = api.WatchNodesAsync(null, Version, Cancel).GetAsyncEnumerator(Cancel);
        var next = events.MoveNextAsync().AsTask();
        api.SilenceWatches();
        server.TouchNode("n1");
        time.Advance(server.WatchTime * 2);
        Assert.False(next.IsCompleted);
        api.BreakWatches();
        var failure = await Assert.ThrowsAsync<KubeException>(() => next);
        Assert.Equal(KubeErrorKind.Unavailable, failure.Kind);
    }

    [Fact]
    public async Task An_unavailable_server_fails_requests_and_watches()
    {
        await using var events = api.WatchNodesAsync(null, Version, Cancel).GetAsyncEnumerator(Cancel);
        var next = events.MoveNextAsync().AsTask();
        server.IsAvailable = false;
        await Assert.ThrowsAsync<KubeException>(() => next);
        await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Cancel));
        server.IsAvailable = true;
        await api.GetNodeAsync("n1", Cancel);
    }

    /// <summary>The restored server assigns the resource versions of the lost writes again.</summary>
    [Fact]
    public async Task A_restored_backup_has_older_objects_and_versions()
    {
        var restore = server.Backup();
        var version = Version;
        server.CreateNode("n2");
        await api.CreateLeaseAsync(new KubeLease(new ObjectName("a", "b"), ""), Cancel);
        restore();
        Assert.Equal(version, Version);
        Assert.Equal(["n1"], server.Nodes.Select(node => node.Name));
        Assert.Empty(server.Leases);
        restore();
        Assert.Equal(version, server.ListNodes(new NodeListRequest()).ResourceVersion);
    }

    [Fact]
    public async Task A_frozen_cache_is_stale_for_cached_lists_only()
    {
        server.FreezeCache();
        server.CreateNode("n2");
        var cached = new NodeListRequest { ResourceVersion = "0" };
        Assert.Single((await api.ListNodesAsync(cached, Cancel)).Nodes);
        Assert.Equal(2, (await api.ListNodesAsync(new NodeListRequest(), Cancel)).Nodes.Count);
        server.ThawCache();
        Assert.Equal(2, (await api.ListNodesAsync(cached, Cancel)).Nodes.Count);
    }

    [Fact]
    public void A_stale_list_lacks_the_last_changes()
    {
        server.CreateNode("n2");
        server.CreateNode("n3");
        var stale = server.ListNodes(new NodeListRequest { ResourceVersion = "0" }, staleBy: 1);
        Assert.Equal(["n1", "n2"], stale.Nodes.Select(node => node.Name));
        Assert.Equal(server.GetNode("n2").ResourceVersion, stale.ResourceVersion);
    }

    [Fact]
    public void Assigned_pod_cidrs_do_not_change()
    {
        Assert.Throws<KubeException>(() => server.ChangeNode("n1", node => node with { PodCidrs = ["10.24.9.0/24"] }));
        server.CreateNode("n2");
        Assert.Equal(["10.24.2.0/24"], server.ChangeNode("n2", node => node with { PodCidrs = ["10.24.2.0/24"] }).PodCidrs);
    }
}
