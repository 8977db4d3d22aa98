using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>An operator restores etcd from a snapshot: revisions go back and are assigned again. The node that a value names decides, and
/// not the greater revision.</summary>
public sealed class RestoredEtcdTests
{
    private readonly ModelRegistry model = new();
    private readonly RegistryFixture fixture;

    public RestoredEtcdTests() => fixture = model.Fixture;

    [Fact]
    public async Task A_subnet_that_another_node_took_in_the_restored_etcd_is_lost_although_its_revision_is_smaller()
    {
        await fixture.PublishConfigAsync();
        var restore = model.Etcd.Snapshot();
        for (var i = 0; i < 20; i++) await fixture.PutAsync("/elsewhere", "x");
        var held = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        await using var events = await fixture.HoldAsync(held);
        var second = new RegistryFixture(model.Etcd, fixture.Keys.Prefix, time: model.Time);
        fixture.Etcd.CutOff(breaksWatches: true);
        restore();
        var taken = await second.AcquireAsync("192.168.0.2", held.Lease.Subnet.ToString());
        Assert.Equal(held.Lease.Key, taken.Lease.Key);
        Assert.True(taken.Lease.ModRevision < held.Lease.ModRevision);
        fixture.Etcd.Reconnect();
        await model.AdvanceUntilAsync(() => events.Seen[^1] is LeaseEvent.Lost);
        Assert.Equal(LeaseLoss.Overwritten, events.Seen.OfType<LeaseEvent.Lost>().Single().Loss);
    }

    /// <summary>An IPv6 subnet has no range of keys that overlap it. After a restore, revisions do not show what was created.</summary>
    [Fact]
    public async Task A_key_is_not_replaced_by_one_whose_IPv6_subnet_another_node_took_in_the_restored_etcd()
    {
        const string one = """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","IPv6SubnetMax":"fc00:0:0:1::"}""";
        await fixture.PublishConfigAsync(one);
        var etcdLease = await fixture.GrantAsync(TimeSpan.FromHours(24));
        await fixture.PutLeaseAsync(
            "10.24.5.0-24", """{"PublicIP":"192.168.0.1","BackendType":"ali-vpc","BackendData":{"InstanceId":"i-1"}}""", etcdLease);
        var restore = model.Etcd.Snapshot();
        for (var i = 0; i < 20; i++) await fixture.PutAsync("/elsewhere", "x");
        // Between the read and the write.
        fixture.Etcd.RunBeforeFirst("LeaseKeepAlive", async () =>
        {
            restore();
            await fixture.PutLeaseAsync("10.24.77.0-24&fc00:0:0:1::-64", """{"PublicIP":"192.168.0.77"}""");
        });
        var result = await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1"));
        Assert.True(Assert.IsType<AcquireResult.OutOfSubnets>(result).IsIpv6);
        Assert.Equal(
            ["10.24.5.0-24", "10.24.77.0-24&fc00:0:0:1::-64"],
            (await fixture.LeasesAsync()).Select(lease => lease.Key.ToString()).Order(StringComparer.Ordinal));
    }

    /// <summary>A released reservation stays in etcd with a mark, by which the route controller deletes the route. A snapshot of that time
    /// restores the mark.</summary>
    [Fact]
    public async Task An_older_value_that_a_restore_brought_back_is_replaced()
    {
        await fixture.PublishConfigAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24", Released);
        var restore = model.Etcd.Snapshot();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = await fixture.HoldAsync(held);
        restore();
        var key = fixture.Keys.Lease(held.Lease.Key).ToStringUtf8();
        await model.AdvanceUntilAsync(async () =>
            !(await fixture.GetAsync(key))!.Value.ToStringUtf8().Contains("Released", StringComparison.Ordinal));
        Assert.DoesNotContain(events.Seen, seen => seen is LeaseEvent.Lost);
    }

    /// <summary>The snapshot is of a time at which the instance had another address.</summary>
    [Fact]
    public async Task A_restored_lease_with_the_former_address_of_this_instance_is_kept_and_updated()
    {
        await fixture.PublishConfigAsync();
        var etcdLease = await fixture.GrantAsync(TimeSpan.FromHours(24));
        await fixture.PutLeaseAsync("10.24.5.0-24",
            """{"PublicIP":"192.168.0.7","BackendType":"ali-vpc","BackendData":{"InstanceId":"i-1"}}""", etcdLease);
        var restore = model.Etcd.Snapshot();
        var owner = new LeaseOwner(Ipv4Address.Parse("192.168.0.1"), null) { Instance = new LeaseInstance("i-1", "") };
        var acquired = await fixture.TryAcquireAsync(new AcquireRequest(owner, _ => RegistryFixture.Attributes("192.168.0.1")));
        var held = Assert.IsType<AcquireResult.Held>(acquired).Lease;
        Assert.Equal("10.24.5.0-24", held.Lease.Key.ToString());
        await using var events = await fixture.HoldAsync(held);
        restore();
        var key = fixture.Keys.Lease(held.Lease.Key).ToStringUtf8();
        await model.AdvanceUntilAsync(async () => (await fixture.GetAsync(key))!.Value.ToStringUtf8()
            .Contains("192.168.0.1", StringComparison.Ordinal));
        Assert.DoesNotContain(events.Seen, seen => seen is LeaseEvent.Lost);
    }

    [Fact]
    public async Task The_mark_of_a_forced_release_is_not_replaced_by_the_daemon()
    {
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        await using var events = await fixture.HoldAsync(held);
        fixture.Etcd.CutOff(breaksWatches: true);
        await fixture.PutLeaseAsync("10.24.5.0-24", Released, held.Lease.EtcdLeaseId);
        await model.AdvanceUntilAsync(() => events.Seen[^1] is LeaseEvent.Unavailable);
        fixture.Etcd.Reconnect();
        await model.AdvanceUntilAsync(() => events.Seen.OfType<LeaseEvent.Confirmed>().Count() > 1);
        var pair = await fixture.GetAsync(fixture.Keys.Lease(held.Lease.Key).ToStringUtf8());
        Assert.Equal(Released, pair!.Value.ToStringUtf8());
    }

    private const string Released =
        """{"PublicIP":"192.168.0.1","BackendType":"ali-vpc","BackendData":{"InstanceId":"i-1","Released":true}}""";
}
