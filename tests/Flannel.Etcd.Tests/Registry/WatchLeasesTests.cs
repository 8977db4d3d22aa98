using Flannel.Core.Leases;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

public sealed class WatchLeasesTests(SharedEtcd shared)
{
    private const string Value = """{"PublicIP":"192.168.0.6"}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_snapshot_is_the_full_list_and_every_change_follows()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24", Value);
        await using var snapshots = fixture.Manager.WatchLeasesAsync(Cancel).GetAsyncEnumerator(Cancel);
        await UntilAsync(snapshots, "10.24.5.0-24");

        await fixture.PutLeaseAsync("10.24.6.0-24", Value);
        await UntilAsync(snapshots, "10.24.5.0-24", "10.24.6.0-24");
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.5.0-24");
        await UntilAsync(snapshots, "10.24.6.0-24");
    }

    [Fact]
    public async Task A_lease_that_is_written_while_the_watch_is_interrupted_is_in_the_next_list()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var snapshots = fixture.Manager.WatchLeasesAsync(Cancel).GetAsyncEnumerator(Cancel);
        await UntilAsync(snapshots);
        // Its event shows that the watch is open.
        await fixture.PutLeaseAsync("10.24.5.0-24", Value);
        var before = await UntilAsync(snapshots, "10.24.5.0-24");
        fixture.Etcd.BreakWatches();
        await fixture.PutLeaseAsync("10.24.6.0-24", Value);
        var after = await UntilAsync(snapshots, "10.24.5.0-24", "10.24.6.0-24");
        fixture.Etcd.Reconnect();
        Assert.NotEqual(before.Listing, after.Listing);
    }

    [Fact]
    public async Task Cancellation_ends_the_watch()
    {
        var fixture = await shared.CreateConfiguredAsync();
        using var stop = new CancellationTokenSource();
        await using var snapshots = fixture.Manager.WatchLeasesAsync(stop.Token).GetAsyncEnumerator(CancellationToken.None);
        await UntilAsync(snapshots);
        var next = snapshots.MoveNextAsync().AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.WithinAsync("it ends", next));
    }

    private static async Task<LeaseSnapshot> UntilAsync(IAsyncEnumerator<LeaseSnapshot> snapshots, params string[] keys)
    {
        while (true)
        {
            Assert.True(await Eventually.WithinAsync($"a snapshot with {keys.Length} leases", snapshots.MoveNextAsync().AsTask()));
            if (snapshots.Current.Leases.Select(lease => lease.Key.ToString()).SequenceEqual(keys)) return snapshots.Current;
        }
    }
}
