using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

public sealed class LeaseWatcherTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Leases_are_listed_once_and_every_change_is_applied()
    {
        var fixture = shared.CreateFixture();
        await fixture.PublishConfigAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.5"}""");
        await using var follower = new Following(fixture);
        var view = await follower.UntilAsync(view => view.Leases.Count == 1);
        Assert.NotNull(view.Config);
        Assert.True(view.IsComplete);

        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.6"}""");
        await follower.UntilAsync(view => view.Leases.Count == 2);
        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.7"}""");
        await follower.UntilAsync(view => view.Leases.Any(lease => lease.Attributes.PublicIp.ToString() == "192.168.0.7"));
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.5.0-24");
        await follower.UntilAsync(view => view.Leases is [{ Key: var key }] && key.ToString() == "10.24.6.0-24");
        await fixture.PublishConfigAsync("invalid");
        await follower.UntilAsync(view => view.Config is null);
        await fixture.PublishConfigAsync();
        await follower.UntilAsync(view => view.Config is not null);
        Assert.Equal(["Txn", "Watch"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task An_unreadable_lease_makes_the_snapshot_incomplete_until_it_is_deleted()
    {
        var fixture = shared.CreateFixture();
        await fixture.PublishConfigAsync();
        await using var follower = new Following(fixture);
        await follower.UntilAsync(view => view.IsComplete);
        await fixture.PutLeaseAsync("10.24.6.0-24", "invalid");
        await follower.UntilAsync(view => !view.IsComplete);
        await fixture.PutLeaseAsync("no-subnet", "invalid");
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.6.0-24");
        await follower.UntilAsync(view => view.IsComplete);
    }

    [Fact]
    public async Task The_controllers_own_writes_do_not_change_the_snapshot()
    {
        var fixture = shared.CreateFixture();
        await fixture.PublishConfigAsync();
        await using var follower = new Following(fixture);
        var view = await follower.UntilAsync(_ => true);
        var changed = follower.Follower.ChangedAfterAsync(view.Generation, Cancel);
        await fixture.PutAsync(fixture.Keys.Controller.ToStringUtf8(), "{}");
        await fixture.PutAsync(fixture.Keys.Routes + "10.24.5.0-24", "{}");
        await fixture.PutAsync(fixture.Keys.Prefix + "/something", "else");
        Assert.False(changed.IsCompleted);
        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.6"}""");
        await Eventually.WithinAsync("the lease is seen", changed);
    }

    [Fact]
    public async Task No_change_is_missed_across_a_broken_stream()
    {
        var fixture = shared.CreateFixture();
        await fixture.PublishConfigAsync();
        await using var follower = new Following(fixture);
        await follower.UntilAsync(_ => true);
        fixture.Etcd.FailAfter = name => name == "Watch" ? new EtcdException(EtcdErrorKind.Unavailable, "broken", false) : null;
        for (var i = 1; i <= 20; i++) await fixture.PutLeaseAsync($"10.24.{i}.0-24", """{"PublicIP":"192.168.0.6"}""");
        fixture.Etcd.FailAfter = _ => null;
        await follower.UntilAsync(view => view.Leases.Count == 20);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task A_restored_etcd_that_assigned_the_same_revisions_again_is_listed_again(int later)
    {
        var etcd = new ModelEtcd(TimeProvider.System);
        var fixture = new RegistryFixture(etcd, "/coreos.com/network");
        await fixture.PublishConfigAsync();
        var restore = etcd.Snapshot();
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.5"}""");
        await using var follower = new Following(fixture);
        var before = await follower.UntilAsync(view => view.Leases.Count == 1);
        fixture.Etcd.FailBefore = _ => new EtcdException(EtcdErrorKind.Unavailable, "cut off", false);
        restore();
        // The very revision of the other, and, with a number above 0, more after it.
        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.6"}""");
        for (var i = 0; i < later; i++) await fixture.PutAsync("/elsewhere", "x");
        fixture.Etcd.FailBefore = _ => null;
        var after = await follower.UntilAsync(view => view.Leases is [{ Key: var key }] && key.ToString() == "10.24.6.0-24");
        Assert.Equal(before.Revision + later, after.Revision);
    }

    [Fact]
    public async Task Leases_are_listed_again_after_a_compaction()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var fixture = new RegistryFixture(etcd.Connect(), "/coreos.com/network");
        await fixture.PublishConfigAsync();
        await fixture.PutLeaseAsync("10.24.1.0-24", """{"PublicIP":"192.168.0.6"}""");
        await using var follower = new Following(fixture);
        await follower.UntilAsync(view => view.Leases.Count == 1);
        // Cut off while the history that it needs is made and compacted.
        fixture.Etcd.FailBefore = name => name == "Watch" ? new EtcdException(EtcdErrorKind.Unavailable, "cut off", false) : null;
        fixture.Etcd.FailAfter = fixture.Etcd.FailBefore;
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.1.0-24");
        await fixture.PutLeaseAsync("10.24.2.0-24", """{"PublicIP":"192.168.0.7"}""");
        await fixture.PutLeaseAsync("10.24.3.0-24", """{"PublicIP":"192.168.0.8"}""");
        await fixture.CompactAsync(etcd);
        fixture.Etcd.FailBefore = fixture.Etcd.FailAfter = _ => null;
        var view = await follower.UntilAsync(view => view.Leases.Count == 2);
        Assert.Equal(["10.24.2.0-24", "10.24.3.0-24"], view.Leases.Select(lease => lease.Key.ToString()));
    }

    [Fact]
    public async Task Leases_are_watched_across_a_restart_of_etcd()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var logger = new RecordingLogger();
        var fixture = new RegistryFixture(etcd.Connect(logger), "/coreos.com/network", logger);
        await fixture.PublishConfigAsync();
        await using var follower = new Following(fixture);
        await follower.UntilAsync(_ => true);
        await etcd.KillAsync();
        await Eventually.IsAsync("the failure is logged", () => logger.Count(2000) == 1);
        await etcd.StartAgainAsync();
        await Eventually.IsAsync("the recovery is logged", () => logger.Count(2001) == 1);
        await fixture.PutLeaseAsync("10.24.1.0-24", """{"PublicIP":"192.168.0.6"}""");
        await follower.UntilAsync(view => view.Leases.Count == 1);
        Assert.Equal(1, logger.Count(2000));
    }

    private sealed class Following : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        private readonly Task running;

        public Following(RegistryFixture fixture)
        {
            Follower = new LeaseWatcher(fixture.Context);
            running = Follower.RunAsync(stop.Token);
        }

        public LeaseWatcher Follower { get; }

        public async Task<LeaseSnapshot> UntilAsync(Func<LeaseSnapshot, bool> condition)
        {
            while (true)
            {
                var view = await Eventually.WithinAsync("a view", Follower.CurrentAsync(Cancel).AsTask());
                if (condition(view)) return view;
                await Eventually.WithinAsync($"a change after {view}", Follower.ChangedAfterAsync(view.Generation, Cancel));
            }
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }
    }
}
