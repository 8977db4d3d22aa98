using Flannel.AliCloud.Tests.Support;
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
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.5"}""");
        await using var watcher = new RunningWatcher(fixture);
        var snapshot = await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 1);
        Assert.NotNull(snapshot.Config);
        Assert.True(snapshot.IsComplete);

        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.6"}""");
        await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 2);
        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.7"}""");
        await watcher.UntilAsync(snapshot => snapshot.Leases.Any(lease => lease.Attributes.PublicIp.ToString() == "192.168.0.7"));
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.5.0-24");
        await watcher.UntilAsync(snapshot => snapshot.Leases is [{ Key: var key }] && key.ToString() == "10.24.6.0-24");
        await fixture.PublishConfigAsync("invalid");
        await watcher.UntilAsync(snapshot => snapshot.Config is null);
        await fixture.PublishConfigAsync();
        await watcher.UntilAsync(snapshot => snapshot.Config is not null);
        Assert.Equal(["Txn", "Watch"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task An_unreadable_lease_makes_the_snapshot_incomplete_until_it_is_deleted()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var watcher = new RunningWatcher(fixture);
        await watcher.UntilAsync(snapshot => snapshot.IsComplete);
        await fixture.PutLeaseAsync("10.24.6.0-24", "invalid");
        await watcher.UntilAsync(snapshot => !snapshot.IsComplete);
        await fixture.PutLeaseAsync("no-subnet", "invalid");
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.6.0-24");
        await watcher.UntilAsync(snapshot => snapshot.IsComplete);
    }

    [Fact]
    public async Task The_controllers_own_writes_do_not_change_the_snapshot()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var watcher = new RunningWatcher(fixture);
        var snapshot = await watcher.UntilAsync(_ => true);
        var changed = watcher.Watcher.ChangedAfterAsync(snapshot.Generation, Cancel);
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
        var fixture = await shared.CreateConfiguredAsync();
        await using var watcher = new RunningWatcher(fixture);
        await watcher.UntilAsync(_ => true);
        fixture.Etcd.BreakWatches();
        for (var i = 1; i <= 20; i++) await fixture.PutLeaseAsync($"10.24.{i}.0-24", """{"PublicIP":"192.168.0.6"}""");
        fixture.Etcd.Reconnect();
        await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 20);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task A_restored_etcd_that_assigned_the_same_revisions_again_is_listed_again(int later)
    {
        var etcd = new ModelEtcd(TimeProvider.System);
        var fixture = new RegistryFixture(etcd);
        await fixture.PublishConfigAsync();
        var restore = etcd.Snapshot();
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.5"}""");
        await using var watcher = new RunningWatcher(fixture);
        var before = await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 1);
        fixture.Etcd.CutOff();
        restore();
        // Gets the revision of the lease that the restore removed; further writes get later ones.
        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.6"}""");
        for (var i = 0; i < later; i++) await fixture.PutAsync("/elsewhere", "x");
        fixture.Etcd.Reconnect();
        var after = await watcher.UntilAsync(snapshot => snapshot.Leases is [{ Key: var key }] && key.ToString() == "10.24.6.0-24");
        Assert.Equal(before.Revision + later, after.Revision);
    }

    [Fact]
    public async Task Leases_are_listed_again_after_a_compaction()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var fixture = new RegistryFixture(etcd.Connect());
        await fixture.PublishConfigAsync();
        await fixture.PutLeaseAsync("10.24.1.0-24", """{"PublicIP":"192.168.0.6"}""");
        await using var watcher = new RunningWatcher(fixture);
        await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 1);
        // The watch is cut off while the history that it needs is written and compacted.
        fixture.Etcd.FailBefore = name => name == "Watch" ? new EtcdException(EtcdErrorKind.Unavailable, "cut off", false) : null;
        fixture.Etcd.FailAfter = fixture.Etcd.FailBefore;
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.1.0-24");
        await fixture.PutLeaseAsync("10.24.2.0-24", """{"PublicIP":"192.168.0.7"}""");
        await fixture.PutLeaseAsync("10.24.3.0-24", """{"PublicIP":"192.168.0.8"}""");
        await fixture.CompactAsync(etcd);
        fixture.Etcd.Reconnect();
        var snapshot = await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 2);
        Assert.Equal(["10.24.2.0-24", "10.24.3.0-24"], snapshot.Leases.Select(lease => lease.Key.ToString()));
    }

    [Fact]
    public async Task Leases_are_watched_across_a_restart_of_etcd()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var logger = new RecordingLogger();
        var fixture = new RegistryFixture(etcd.Connect(logger), logger: logger);
        await fixture.PublishConfigAsync();
        await using var watcher = new RunningWatcher(fixture);
        await watcher.UntilAsync(_ => true);
        await etcd.KillAsync();
        await Eventually.IsAsync("the failure is logged", () => logger.Count(2000) == 1);
        await etcd.StartAgainAsync();
        await Eventually.IsAsync("the recovery is logged", () => logger.Count(2001) == 1);
        await fixture.PutLeaseAsync("10.24.1.0-24", """{"PublicIP":"192.168.0.6"}""");
        await watcher.UntilAsync(snapshot => snapshot.Leases.Count == 1);
        Assert.Equal(1, logger.Count(2000));
    }

    private sealed class RunningWatcher : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        private readonly Task running;

        public RunningWatcher(RegistryFixture fixture)
        {
            Watcher = new LeaseWatcher(fixture.Context);
            running = Watcher.RunAsync(stop.Token);
        }

        public LeaseWatcher Watcher { get; }

        public async Task<LeaseSnapshot> UntilAsync(Func<LeaseSnapshot, bool> condition)
        {
            while (true)
            {
                var snapshot = await Eventually.WithinAsync("a snapshot", Watcher.CurrentAsync(Cancel).AsTask());
                if (condition(snapshot)) return snapshot;
                await Eventually.WithinAsync($"a change after {snapshot}", Watcher.ChangedAfterAsync(snapshot.Generation, Cancel));
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
