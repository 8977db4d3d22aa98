using Flannel.Etcd.Leasing;
using Flannel.Etcd.Model;
using Flannel.Etcd.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Leasing;

/// <summary>An operator restores etcd from a snapshot: revisions go backwards and are given out a second time. What counts is who is named,
/// never whose revision is greater.</summary>
public sealed class RestoredEtcdTests
{
    private readonly FakeTimeProvider time = new();
    private readonly ModelEtcd etcd;
    private readonly World world;

    public RestoredEtcdTests()
    {
        etcd = new ModelEtcd(time);
        world = new World(etcd, "/coreos.com/network", time: time);
    }

    [Fact]
    public async Task A_subnet_that_another_node_took_in_the_restored_etcd_is_lost_although_its_revision_is_smaller()
    {
        var (held, restore) = await HoldBehindASnapshotAsync();
        await using var events = new Events(world.Keeper(held));
        await events.NextAsync<LeaseEvent.Confirmed>();
        var second = new World(etcd, world.Keys.Prefix, time: time);
        CutOff(true);
        restore();
        var taken = await second.AcquireAsync("192.168.0.2", held.Lease.Subnet.ToString());
        Assert.Equal(held.Lease.Key, taken.Lease.Key);
        Assert.True(taken.Lease.ModRevision < held.Lease.ModRevision);
        CutOff(false);
        await RunUntilAsync(() => events.Seen[^1] is LeaseEvent.Lost);
        Assert.Equal(LeaseLoss.Overwritten, events.Seen.OfType<LeaseEvent.Lost>().Single().Loss);
    }

    private async Task<(HeldLease Held, Action Restore)> HoldBehindASnapshotAsync()
    {
        await world.PublishConfigAsync();
        var restore = etcd.Snapshot();
        for (var i = 0; i < 20; i++) await world.PutAsync("/elsewhere", "x");
        return (await world.AcquireAsync("192.168.0.1", "10.24.5.0/24"), restore);
    }

    private void CutOff(bool off)
    {
        world.Etcd.FailBefore = _ => off ? new EtcdException(EtcdErrorKind.Unavailable, "cut off", false) : null;
        world.Etcd.FailAfter = name => off && name == "Watch" ? new EtcdException(EtcdErrorKind.Unavailable, "broken", false) : null;
    }

    private Task RunUntilAsync(Func<bool> condition) => Eventually.IsAsync("the keeper has got so far", async () =>
    {
        if (condition()) return true;
        time.Advance(TimeSpan.FromMilliseconds(500));
        etcd.Tick();
        await Task.Delay(1, TestContext.Current.CancellationToken);
        return condition();
    });
}
