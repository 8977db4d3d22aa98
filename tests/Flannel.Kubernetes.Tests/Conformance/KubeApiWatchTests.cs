using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>Watches of nodes.</summary>
public abstract class KubeApiWatchTests : KubeApiTests
{
    [Fact]
    public async Task A_watch_shows_every_change_in_its_order()
    {
        var begin = await ListVersionAsync();
        var created = await CreateNodeAsync("n1", "10.24.1.0/24");
        var patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel);
        await Server.TouchNodeAsync("n1");
        await Server.LabelNodeAsync("n1", "zone", "h");
        await Server.DeleteNodeAsync("n1");
        var recreated = await CreateNodeAsync("n1", "10.24.2.0/24");
        var events = await TakeAsync(null, begin, 6);
        Assert.Equal(created.ResourceVersion, Changed(events[0]).ResourceVersion);
        Assert.Equal(patched.ResourceVersion, Changed(events[1]).ResourceVersion);
        Assert.Equal("ali-vpc", Changed(events[2]).Annotations[Annotation]);
        Assert.Equal("h", Changed(events[3]).Labels["zone"]);
        var deleted = Assert.IsType<KubeNodeEvent.Deleted>(events[4]).Node;
        Assert.Equal((created.Uid, "10.24.1.0/24"), (deleted.Uid, deleted.PodCidrs[0]));
        Assert.Equal((recreated.Uid, recreated.ResourceVersion), (Changed(events[5]).Uid, events[5].ResourceVersion));
        var versions = events.Select(received => Number(received.ResourceVersion)).ToList();
        Assert.Equal(versions.Distinct().Order(), versions);
    }

    [Fact]
    public async Task A_watch_continues_after_any_event()
    {
        var begin = await ListVersionAsync();
        for (var i = 1; i <= 4; i++) await CreateNodeAsync($"n{i}");
        var events = await TakeAsync(null, begin, 4);
        var rest = await TakeAsync(null, events[1].ResourceVersion, 2);
        Assert.Equal(["n3", "n4"], rest.Select(received => Changed(received).Name));
    }

    [Fact]
    public async Task A_watch_receives_later_changes()
    {
        var node = await CreateNodeAsync("n1");
        await using var events = Api.WatchNodesAsync(null, node.ResourceVersion, Cancel).GetAsyncEnumerator(Cancel);
        var next = events.MoveNextAsync().AsTask();
        var patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel);
        Assert.True(await next);
        Assert.Equal(patched.ResourceVersion, events.Current.ResourceVersion);
    }

    [Fact]
    public async Task A_watch_of_one_name_shows_only_that_node()
    {
        var begin = await ListVersionAsync();
        await CreateNodeAsync("n1");
        await CreateNodeAsync("n2");
        await Server.DeleteNodeAsync("n1");
        await Server.DeleteNodeAsync("n2");
        var events = await TakeAsync("n2", begin, 2);
        Assert.Equal("n2", Changed(events[0]).Name);
        Assert.Equal("n2", Assert.IsType<KubeNodeEvent.Deleted>(events[1]).Node.Name);
    }

    [Fact]
    public async Task A_watch_from_version_0_begins_with_the_existing_nodes()
    {
        await CreateNodeAsync("n1");
        var second = await CreateNodeAsync("n2");
        // A cache that has the second node has the first one.
        await TakeAsync("n2", "0", 1);
        var events = await TakeAsync(null, "0", 2);
        Assert.Equal(["n1", "n2"], events.Select(received => Changed(received).Name).Order(StringComparer.Ordinal));
        Assert.Contains(second.ResourceVersion, events.Select(received => received.ResourceVersion));
    }

    /// <summary>After a restored backup, a client knows versions that the server has not reached.</summary>
    [Fact]
    public async Task A_watch_from_a_future_version_shows_only_what_is_later()
    {
        var node = await CreateNodeAsync("n1");
        var future = Number(node.ResourceVersion) + 3;
        await using var events = Api.WatchNodesAsync(null, $"{future}", Cancel).GetAsyncEnumerator(Cancel);
        var next = events.MoveNextAsync().AsTask();
        for (var i = 1; i <= 6; i++) await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, $"{i}"), Cancel);
        Assert.True(await next);
        Assert.True(Number(events.Current.ResourceVersion) > future, $"{events.Current.ResourceVersion} after {future}");
    }

    /// <summary>The server responds with 500.</summary>
    [Fact]
    public async Task An_invalid_version_is_rejected() =>
        await FailsAsync(KubeErrorKind.Unavailable, () => TakeAsync(null, "invalid", 1));

    /// <summary>A restarted server has no history, even if no node was written.</summary>
    [Fact]
    public async Task A_watch_from_before_a_restart_has_expired()
    {
        var node = await CreateNodeAsync("n1");
        await Server.WriteAnotherObjectAsync();
        await Server.StopAsync();
        await Server.StartAsync();
        await FailsAsync(KubeErrorKind.Expired, () => TakeAsync(null, node.ResourceVersion, 1));
        var list = await Api.ListNodesAsync(new NodeListRequest { ResourceVersion = "0" }, Cancel);
        Assert.Equal("n1", Assert.Single(list.Nodes).Name);
        var next = await CreateNodeAsync("n2");
        Assert.Equal(next.Uid, Changed((await TakeAsync(null, list.ResourceVersion, 1))[0]).Uid);
    }

    [Fact]
    public async Task A_stopped_server_is_unavailable_and_its_watches_end()
    {
        var node = await CreateNodeAsync("n1");
        var watch = EndAsync();
        await Server.StopAsync();
        await watch;
        Assert.Equal(KubeErrorKind.Unavailable, (await Assert.ThrowsAsync<KubeException>(() => Api.GetNodeAsync("n1", Cancel))).Kind);
        await Server.StartAsync();
        Assert.Equal(node.Uid, (await Api.GetNodeAsync("n1", Cancel)).Uid);

        async Task EndAsync()
        {
            try
            {
                await foreach (var received in Api.WatchNodesAsync(null, node.ResourceVersion, Cancel))
                    Assert.IsType<KubeNodeEvent.Bookmark>(received);
            }
            catch (KubeException e)
            {
                Assert.Equal(KubeErrorKind.Unavailable, e.Kind);
            }
        }
    }

    private static KubeNode Changed(KubeNodeEvent received) => Assert.IsType<KubeNodeEvent.Changed>(received).Node;

    /// <summary>The first events of a watch, without bookmarks.</summary>
    private async Task<List<KubeNodeEvent>> TakeAsync(string? name, string resourceVersion, int count)
    {
        var events = new List<KubeNodeEvent>();
        await foreach (var received in Api.WatchNodesAsync(name, resourceVersion, Cancel))
        {
            if (received is not KubeNodeEvent.Bookmark) events.Add(received);
            if (events.Count == count) return events;
        }

        throw new InvalidOperationException($"the watch ended after {events.Count} events");
    }
}
