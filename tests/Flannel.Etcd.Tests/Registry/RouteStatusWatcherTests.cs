using System.Text;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

public sealed class RouteStatusWatcherTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_snapshot_is_the_full_list_and_every_change_follows()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await PutAsync(fixture, 5, RouteState.Available);
        await using var snapshots = fixture.Manager.WatchRouteStatusesAsync(Cancel).GetAsyncEnumerator(Cancel);
        await UntilAsync(snapshots, "5 Available");
        await PutAsync(fixture, 6, RouteState.QuotaExceeded);
        await UntilAsync(snapshots, "5 Available", "6 QuotaExceeded");
        await PutAsync(fixture, 6, RouteState.Available);
        await UntilAsync(snapshots, "5 Available", "6 Available");
        // It counts as absent: the route controller writes it again.
        await fixture.PutAsync(fixture.Keys.Routes + "10.24.5.0-24", "{");
        await UntilAsync(snapshots, "6 Available");
        await fixture.DeleteAsync(fixture.Keys.Routes + "10.24.6.0-24");
        await UntilAsync(snapshots);
        Assert.Equal(["Range", "Watch"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_cluster_without_statuses_gives_an_empty_snapshot()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var snapshots = fixture.Manager.WatchRouteStatusesAsync(Cancel).GetAsyncEnumerator(Cancel);
        await UntilAsync(snapshots);
    }

    [Fact]
    public async Task What_changes_while_the_watch_is_interrupted_is_in_the_next_list()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await PutAsync(fixture, 5, RouteState.Available);
        await using var snapshots = fixture.Manager.WatchRouteStatusesAsync(Cancel).GetAsyncEnumerator(Cancel);
        await UntilAsync(snapshots, "5 Available");
        // Its event shows that the watch is open.
        await PutAsync(fixture, 6, RouteState.Pending);
        await UntilAsync(snapshots, "5 Available", "6 Pending");
        fixture.Etcd.BreakWatches();
        await PutAsync(fixture, 6, RouteState.Denied);
        await fixture.DeleteAsync(fixture.Keys.Routes + "10.24.5.0-24");
        await UntilAsync(snapshots, "6 Denied");
        fixture.Etcd.Reconnect();
    }

    [Fact]
    public async Task A_status_names_the_lease_that_it_is_attached_to()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        var lease = (await fixture.AcquireAsync("192.168.0.1")).Lease;
        await fixture.PutAsync(fixture.Keys.Routes + lease.Key, Encoding.UTF8.GetString(Status(1, RouteState.Available).ToJson()));
        await using var snapshots = fixture.Manager.WatchRouteStatusesAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await snapshots.MoveNextAsync());
        var published = Assert.IsType<EtcdRouteStatus>(Assert.Single(snapshots.Current.Statuses).Value);
        Assert.Equal(0, published.EtcdLeaseId);
        Assert.False(published.Describes(lease));
        Assert.True(published.ModRevision > lease.CreateRevision);
    }

    [Fact]
    public async Task Cancellation_ends_the_watch()
    {
        var fixture = await shared.CreateConfiguredAsync();
        using var stop = new CancellationTokenSource();
        await using var snapshots = fixture.Manager.WatchRouteStatusesAsync(stop.Token).GetAsyncEnumerator(CancellationToken.None);
        await UntilAsync(snapshots);
        var next = snapshots.MoveNextAsync().AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.WithinAsync("it ends", next));
    }

    private static Task PutAsync(RegistryFixture fixture, int node, RouteState state) =>
        fixture.PutAsync($"{fixture.Keys.Routes}10.24.{node}.0-24", Encoding.UTF8.GetString(Status(node, state).ToJson()));

    private static RouteStatus Status(int node, RouteState state) =>
        new($"10.24.{node}.0/24", $"i-{node}", ["vtb-1"], state, "", "", default);

    private static async Task UntilAsync(IAsyncEnumerator<RouteStatusSnapshot> snapshots, params string[] expected)
    {
        while (true)
        {
            Assert.True(await Eventually.WithinAsync(string.Join(", ", expected), snapshots.MoveNextAsync().AsTask()));
            var found = snapshots.Current.Statuses.OrderBy(each => each.Key, StringComparer.Ordinal)
                .Select(each => $"{each.Key.Split('.')[2]} {each.Value.Status.State}");
            if (found.SequenceEqual(expected)) return;
        }
    }
}
