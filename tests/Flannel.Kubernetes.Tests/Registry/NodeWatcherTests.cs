using System.Collections.Concurrent;
using Flannel.Core;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class NodeWatcherTests : IAsyncDisposable
{
    private static readonly TimeSpan WatchTime = TimeSpan.FromMinutes(7);

    private readonly KubeFixture fixture = new();
    private readonly Recorder recorder = new();
    private readonly CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(TaskWait.IgnoringFailure);
        stop.Dispose();
        fixture.Dispose();
    }

    [Fact]
    public async Task Nodes_are_listed_from_the_cache_and_then_watched()
    {
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        await StartAsync();
        fixture.Server.CreateNode("n2", "10.24.6.0/24");
        fixture.Server.DeleteNode("n1");
        await UntilAsync("the events", () => recorder.Changes.Count == 2);
        Assert.Equal(["n1"], recorder.Listings.Single().Nodes.Select(node => node.Name));
        Assert.IsType<KubeNodeEvent.Changed>(recorder.Changes[0]);
        Assert.IsType<KubeNodeEvent.Deleted>(recorder.Changes[1]);
        Assert.Equal(["list nodes", "watch nodes"], fixture.Api.Requests.Select(request => request.ToString()));
    }

    [Fact]
    public async Task A_watch_that_the_server_ends_continues_without_a_new_list()
    {
        fixture.Server.WatchTime = WatchTime;
        await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            fixture.Server.CreateNode($"other-{i}");
            await fixture.AdvanceAsync(WatchTime / 2);
            fixture.Server.DeleteNode($"other-{i}");
            fixture.Server.Expire();
            await fixture.AdvanceAsync(WatchTime / 2);
        }

        fixture.Server.CreateNode("n2", "10.24.6.0/24");
        await UntilAsync("the event", () => recorder.Changes.Any(change => change is KubeNodeEvent.Changed { Node.Name: "n2" }));
        Assert.Single(recorder.Listings);
        Assert.True(fixture.Api.Requests.Count(request => request.Access.Verb == "watch") > 2);
    }

    [Fact]
    public async Task An_expired_version_is_followed_by_a_new_list()
    {
        await StartAsync();
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        fixture.Server.Restart();
        fixture.Server.CreateNode("n2", "10.24.6.0/24");
        await UntilAsync("a list with both", () => recorder.Listings[^1].Nodes.Count == 2);
        Assert.False(recorder.Listings[^1].IsRestored);
    }

    [Fact]
    public async Task Nodes_are_listed_again_after_a_broken_watch()
    {
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        await StartAsync();
        fixture.Api.BreakWatches();
        await UntilAsync("a second list", () => recorder.Listings.Count == 2);
        Assert.Equal(KubeErrorKind.Unavailable, recorder.Failures.Single().Kind);
    }

    [Fact]
    public async Task A_list_from_a_cache_that_is_older_than_what_was_read_is_read_from_etcd()
    {
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        var newest = fixture.Server.CreateNode("n2", "10.24.6.0/24").ResourceVersion;
        var stale = new StaleCacheApi(fixture.Api, fixture.Server, staleBy: 1);
        await StartAsync(stale, () => newest);
        Assert.Equal(2, recorder.Listings.Single().Nodes.Count);
        Assert.Equal(["0", null], stale.ListVersions);
        Assert.False(recorder.Listings.Single().IsRestored);
    }

    [Fact]
    public async Task A_first_list_may_be_older_and_the_watch_has_what_it_lacks()
    {
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        fixture.Server.CreateNode("n2", "10.24.6.0/24");
        var stale = new StaleCacheApi(fixture.Api, fixture.Server, staleBy: 1);
        await StartAsync(stale);
        await UntilAsync("the event of the second node", () => recorder.Changes.Count == 1);
        Assert.Single(recorder.Listings.Single().Nodes);
        Assert.Equal(["0"], stale.ListVersions);
    }

    [Fact]
    public async Task A_restored_server_is_listed_from_etcd_and_its_older_state_counts()
    {
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        var restore = fixture.Server.Backup();
        fixture.Server.CreateNode("n2", "10.24.6.0/24");
        await StartAsync();
        Assert.Equal(2, recorder.Listings.Single().Nodes.Count);
        restore();
        await UntilAsync("the restored list", () => recorder.Listings.Count == 2);
        Assert.True(recorder.Listings[^1].IsRestored);
        Assert.Equal(["n1"], recorder.Listings[^1].Nodes.Select(node => node.Name));
        Assert.Equal(1, fixture.Logger.Count(6102));

        fixture.Server.CreateNode("n3", "10.24.7.0/24");
        await UntilAsync(
            "events of the restored server", () => recorder.Changes.Any(change => change is KubeNodeEvent.Changed { Node.Name: "n3" }));
        fixture.Api.BreakWatches();
        await UntilAsync("a third list", () => recorder.Listings.Count == 3);
        Assert.False(recorder.Listings[^1].IsRestored);
    }

    [Fact]
    public async Task A_server_that_was_restored_while_the_watch_ended_in_an_orderly_way_is_noticed()
    {
        fixture.Server.CreateNode("n1", "10.24.5.0/24");
        var restore = fixture.Server.Backup();
        fixture.Server.CreateNode("n2", "10.24.6.0/24");
        await StartAsync(new OrderlyStopApi(fixture.Api));
        restore();
        await UntilAsync("a list of the restored server", () => recorder.Listings.Count == 2);
        Assert.True(recorder.Listings[^1].IsRestored);
        Assert.Empty(recorder.Failures);
    }

    [Fact]
    public async Task Retry_After_is_obeyed()
    {
        fixture.Api.FailNext(ModelFault.TooManyRequests(TimeSpan.FromMinutes(2)));
        var begin = fixture.Time.GetUtcNow();
        await StartAsync();
        Assert.True(fixture.Time.GetUtcNow() - begin >= TimeSpan.FromMinutes(2));
        Assert.Equal(3, fixture.Api.Requests.Count);
    }

    [Fact]
    public async Task An_unavailable_server_is_retried_with_growing_pauses_without_end()
    {
        fixture.Server.IsAvailable = false;
        running = RunAsync();
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(10));
        // Pauses of 0.4 s to 30 s: at least one in 30 s, and at most a few more than two in 30 s.
        Assert.InRange(fixture.Api.Requests.Count, 20, 50);
        Assert.Equal(1, fixture.Logger.Count(6113));
        fixture.Server.IsAvailable = true;
        await UntilAsync("the list", () => recorder.Listings.Count == 1);
        Assert.Equal(1, fixture.Logger.Count(6114));
    }

    [Fact]
    public async Task A_watch_that_ends_at_once_is_no_busy_loop()
    {
        fixture.Server.WatchTime = TimeSpan.Zero;
        running = RunAsync();
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.InRange(fixture.Api.Requests.Count, 10, 100);
    }

    [Fact]
    public async Task A_missing_permission_is_logged_once_and_retried()
    {
        fixture.Api.Account.Deny(new AccessReview("watch", "", "nodes"));
        running = RunAsync();
        await UntilAsync("some attempts", () => fixture.Api.Requests.Count > 10);
        Assert.Equal(1, fixture.Logger.Count(6100));
        fixture.Api.Account.Allow(new AccessReview("watch", "", "nodes"));
        await UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
    }

    [Fact]
    public async Task A_second_missing_permission_is_logged_when_the_first_one_is_granted()
    {
        fixture.Api.Account.Deny(new AccessReview("list", "", "nodes"));
        fixture.Api.Account.Deny(new AccessReview("watch", "", "nodes"));
        running = RunAsync();
        await UntilAsync("some attempts", () => fixture.Api.Requests.Count > 3);
        fixture.Api.Account.Allow(new AccessReview("list", "", "nodes"));
        await UntilAsync("some watches", () => fixture.Api.Requests.Count(request => request.Access.Verb == "watch") > 3);
        var logged = fixture.Logger.Lines.Where(line => line.Id == 6100).Select(line => line.Text).ToList();
        Assert.Equal(2, logged.Count);
        Assert.Contains("list nodes", logged[0], StringComparison.Ordinal);
        Assert.Contains("watch nodes", logged[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_in_pages_is_complete()
    {
        foreach (var number in Enumerable.Range(0, 1200)) fixture.Server.CreateNode($"n{number}");
        var list = await NodeList.ReadAsync(fixture.Api, new NodeListRequest(), TestContext.Current.CancellationToken);
        Assert.Equal(1200, list.Nodes.Select(node => node.Name).Distinct().Count());
        Assert.Equal(3, fixture.Api.Requests.Count);
    }

    private Task RunAsync() => new NodeWatcher(fixture.Context, name: null).RunAsync(recorder, stop.Token);

    private async Task StartAsync(IKubeApi? api = null, Func<string?>? newestKnown = null)
    {
        var context = fixture.Context with { Api = api ?? fixture.Api };
        running = new NodeWatcher(context, name: null) { NewestKnown = newestKnown }.RunAsync(recorder, stop.Token);
        await UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
    }

    private Task UntilAsync(string what, Func<bool> condition) => fixture.UntilAsync(what, condition);

    private sealed class Recorder : INodeObserver
    {
        private readonly ConcurrentQueue<NodeListing> listings = [];
        private readonly ConcurrentQueue<KubeNodeEvent> changes = [];
        private readonly ConcurrentQueue<KubeException> failures = [];

        public IReadOnlyList<NodeListing> Listings => [.. listings];

        public IReadOnlyList<KubeNodeEvent> Changes => [.. changes];

        public IReadOnlyList<KubeException> Failures => [.. failures];

        public Task ListedAsync(NodeListing listing, CancellationToken cancellation)
        {
            listings.Enqueue(listing);
            return Task.CompletedTask;
        }

        public Task ChangedAsync(KubeNodeEvent change, CancellationToken cancellation)
        {
            changes.Enqueue(change);
            return Task.CompletedTask;
        }

        public void Failed(KubeException failure) => failures.Enqueue(failure);
    }
}
