using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Against a real etcd, with its own events of deletion, expiry and overwriting.</summary>
public sealed class LeaseKeeperTests(SharedEtcd shared)
{
    // A busy machine may be late by half of it, and the lease is still renewed in time.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_lease_is_renewed_in_time_if_etcd_recovers_shortly_before_the_expiry()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var gateway = new TcpGateway(etcd.Endpoint, Timeout.InfiniteTimeSpan);
        var fixture = new RegistryFixture(etcd.Connect(endpoints: gateway.Endpoint));
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(TimeSpan.FromSeconds(30)));
        // The renewal is due at once.
        await using var events = await fixture.HoldAsync(held, margin: TimeSpan.FromSeconds(29));
        gateway.IsBlocked = true;
        await events.NextAsync<LeaseEvent.Unavailable>();
        // Longer than two reads of an unavailable etcd take.
        await Eventually.IsAsync("the lease is near its end", () => held.Expiry!.Value.Remaining(fixture.Time) < TimeSpan.FromSeconds(12));
        gateway.IsBlocked = false;
        await events.NextAsync<LeaseEvent.Renewed>();
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost);
    }

    [Fact]
    public async Task A_held_lease_is_confirmed_by_one_read_and_one_watch()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        fixture.Etcd.ClearRequests();
        await using var events = new KeeperEvents(fixture.Keeper(held));
        Assert.Equal(held.Lease, (await events.NextAsync<LeaseEvent.Confirmed>()).Lease);
        Assert.Null((await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status);
        Assert.Null((await events.NextAsync<LeaseEvent.ControllerChanged>()).Holder);
        await Eventually.IsAsync("it watches", () => fixture.Etcd.Requests.Count >= 2);
        Assert.Equal(["Txn", "Watch"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_lease_that_an_operator_deletes_is_lost_at_once_with_all_attached_keys()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key, "{}", held.Lease.EtcdLeaseId);
        await using var events = await fixture.HoldAsync(held);
        await fixture.DeleteAsync(fixture.Keys.Subnets + held.Lease.Key);
        Assert.Equal(LeaseLoss.Deleted, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
        await events.EndAsync();
        Assert.Null(await fixture.GetAsync(fixture.Keys.Routes + held.Lease.Key));
    }

    [Fact]
    public async Task The_status_of_an_earlier_lease_of_the_subnet_is_ignored()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        var status = RegistryFixture.Status(held.Lease);
        var text = System.Text.Encoding.UTF8.GetString(status.ToJson());
        // As of a former reservation of the same node: attached to no etcd lease.
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key, text);
        await using var events = await fixture.HoldAsync(held);
        Assert.Null((await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status);
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key, text, held.Lease.EtcdLeaseId);
        Assert.Equal("i-1", (await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status?.InstanceId);
    }

    [Fact]
    public async Task A_lease_is_released_with_all_attached_keys()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key, "{}", held.Lease.EtcdLeaseId);
        var cancel = TestContext.Current.CancellationToken;
        var changed = await fixture.Manager.UpdateAsync(held.Lease,
            held.Lease.Attributes with { BackendData = """{"Released":true}""" }, cancel);
        Assert.Equal("""{"Released":true}""", Assert.Single(await fixture.LeasesAsync()).Attributes.BackendData);
        Assert.Null(await fixture.Manager.UpdateAsync(held.Lease, held.Lease.Attributes, cancel));
        Assert.False(await fixture.Manager.ReleaseAsync(held.Lease, cancel));
        Assert.True(await fixture.Manager.ReleaseAsync(changed!, cancel));
        Assert.Empty(await fixture.LeasesAsync());
        Assert.Null(await fixture.GetAsync(fixture.Keys.Routes + held.Lease.Key));
    }

    [Fact]
    public async Task A_revoked_etcd_lease_loses_the_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = await fixture.HoldAsync(held);
        await fixture.Direct.LeaseRevokeAsync(held.Lease.EtcdLeaseId, TestContext.Current.CancellationToken);
        Assert.Equal(LeaseLoss.Deleted, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
    }

    [Theory]
    [InlineData("""{"PublicIP":"192.168.0.9","BackendType":"ali-vpc"}""")]
    [InlineData("invalid")]
    public async Task A_value_that_names_another_node_loses_the_lease(string value)
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = await fixture.HoldAsync(held);
        // As upstream renews: a plain write under an etcd lease of its own.
        await fixture.PutLeaseAsync(held.Lease.Key.ToString(), value, await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(LeaseLoss.Overwritten, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
        await events.EndAsync();
        Assert.NotNull(await fixture.GetAsync(fixture.Keys.Subnets + held.Lease.Key));
    }

    [Fact]
    public async Task An_etcd_lease_that_another_client_attached_is_renewed()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = await fixture.HoldAsync(held);
        await fixture.PutLeaseAsync(held.Lease.Key.ToString(), """{"PublicIP":"192.168.0.1"}""",
            await fixture.GrantAsync(TimeSpan.FromMinutes(10)));
        Assert.Equal(TimeSpan.FromMinutes(10), (await events.NextAsync<LeaseEvent.Renewed>()).TimeToLive);
        await fixture.PutLeaseAsync(held.Lease.Key.ToString(), """{"PublicIP":"192.168.0.1"}""");
        Assert.Null((await events.NextAsync<LeaseEvent.Renewed>()).TimeToLive);
        await fixture.DeleteAsync(fixture.Keys.Subnets + held.Lease.Key);
        Assert.Equal(LeaseLoss.Deleted, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
    }

    [Fact]
    public async Task A_lease_is_renewed_without_a_write()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(Short));
        await using var events = new KeeperEvents(fixture.Keeper(held, leaseTime: Short));
        for (var i = 0; i < 3; i++) await events.NextAsync<LeaseEvent.Renewed>();
        Assert.Equal(held.Lease.ModRevision, (await fixture.GetAsync(fixture.Keys.Subnets + held.Lease.Key))!.ModRevision);
        Assert.Single(fixture.Etcd.Requests, request => request == "LeaseGrant");
    }

    [Fact]
    public async Task A_lease_that_expired_while_the_node_was_cut_off_is_taken_back_if_it_is_free()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(Short));
        await using var events = new KeeperEvents(fixture.Keeper(held, leaseTime: Short));
        await CutOffUntilExpiredAsync(fixture, held, events);
        fixture.Etcd.Reconnect();
        var confirmed = await events.NextAsync<LeaseEvent.Confirmed>();
        Assert.Equal(held.Lease.Key, confirmed.Lease.Key);
        Assert.NotEqual(held.Lease.EtcdLeaseId, confirmed.Lease.EtcdLeaseId);
        await events.NextAsync<LeaseEvent.Renewed>();
    }

    [Fact]
    public async Task A_lease_that_expired_while_the_node_was_cut_off_and_was_taken_is_lost()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(Short));
        await using var events = new KeeperEvents(fixture.Keeper(held, leaseTime: Short));
        await CutOffUntilExpiredAsync(fixture, held, events);
        var second = new RegistryFixture(fixture.Direct, fixture.Keys.Prefix);
        Assert.Equal(held.Lease.Subnet, (await second.AcquireAsync("192.168.0.2", held.Lease.Subnet.ToString())).Lease.Subnet);
        fixture.Etcd.Reconnect();
        Assert.Equal(LeaseLoss.Overwritten, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
    }

    [Fact]
    public async Task Route_status_configuration_and_controller_are_watched_on_the_same_stream()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        fixture.Etcd.ClearRequests();
        await using var events = new KeeperEvents(fixture.Keeper(held));
        await events.NextAsync<LeaseEvent.ControllerChanged>();
        var status = RegistryFixture.Status(held.Lease);
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key,
            System.Text.Encoding.UTF8.GetString(status.ToJson()), held.Lease.EtcdLeaseId);
        Assert.True((await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status!.IsFor(held.Lease.Subnet, "i-1"));
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":26}""");
        Assert.Equal(26, Assert.IsType<ConfigState.Present>((await events.NextAsync<LeaseEvent.ConfigChanged>()).Config)
            .Config.SubnetLength);
        await fixture.PutAsync(fixture.Keys.Controller.ToStringUtf8(), """{"InstanceId":"i-9","PublicIp":"192.168.0.9"}""");
        Assert.Equal(new ControllerHolder("i-9", "192.168.0.9"), (await events.NextAsync<LeaseEvent.ControllerChanged>()).Holder);
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key, "invalid", held.Lease.EtcdLeaseId);
        Assert.Null((await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status);
        Assert.Single(fixture.Etcd.Requests, request => request == "Watch");
    }

    private static async Task CutOffUntilExpiredAsync(RegistryFixture fixture, HeldLease held, KeeperEvents events)
    {
        await events.NextAsync<LeaseEvent.Confirmed>();
        fixture.Etcd.CutOff();
        await events.NextAsync<LeaseEvent.Unavailable>();
        await events.NextAsync<LeaseEvent.Expired>();
        await Eventually.IsAsync(
            "etcd has ended the lease", async () => await fixture.GetAsync(fixture.Keys.Subnets + held.Lease.Key) is null);
    }
}
