using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>A node that starts again with its <c>subnet.env</c> reads its own lease, and not all leases.</summary>
public sealed class RestartTests(SharedEtcd shared)
{
    private const string Own = "10.24.5.0/24";
    private const string OwnKey = "10.24.5.0-24";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_own_lease_is_found_without_the_others_in_two_requests_of_constant_size()
    {
        var fixture = await NewAsync();
        for (var other = 10; other < 20; other++) await fixture.AcquireAsync($"192.168.0.{other}");
        fixture.Etcd.ClearRequests();
        var state = await fixture.Manager.WaitForConfigAsync(
            new ConfigRequest(_ => { }) { Owner = RegistryFixture.Owner("192.168.0.1", Own) }, null, Cancel);
        Assert.True(state.IsOwnLeaseOnly);
        Assert.False(state.ToSnapshot().IsComplete);
        Assert.Equal(OwnKey, Assert.Single(state.Leases).Key.ToString());
        var held = Assert.IsType<AcquireResult.Held>(
            await fixture.Manager.AcquireAsync(RegistryFixture.Request("192.168.0.1", Own), state, Cancel)).Lease;
        Assert.True(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "LeaseKeepAlive"], fixture.Etcd.Requests);
        Assert.InRange(fixture.Etcd.BytesRead, 1, 1000);
    }

    [Fact]
    public async Task A_node_without_a_subnet_file_finds_its_lease_without_reading_the_others()
    {
        var fixture = await NewAsync();
        for (var other = 10; other < 20; other++) await fixture.AcquireAsync($"192.168.0.{other}");
        fixture.Etcd.ClearRequests();
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.True(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "Txn", "LeaseKeepAlive"], fixture.Etcd.Requests);
        Assert.InRange(fixture.Etcd.BytesRead, 1, 1500);
    }

    [Fact]
    public async Task The_pointer_to_a_lease_is_deleted_with_it()
    {
        var fixture = await NewAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        var pointer = await fixture.GetAsync(fixture.Keys.Nodes + "192.168.0.1");
        Assert.Equal(OwnKey, pointer!.Value.ToStringUtf8());
        Assert.Equal(held.Lease.EtcdLeaseId, pointer.Lease);
        await fixture.Direct.LeaseRevokeAsync(held.Lease.EtcdLeaseId, Cancel);
        Assert.Null(await fixture.GetAsync(fixture.Keys.Nodes + "192.168.0.1"));
    }

    [Theory]
    [InlineData("10.24.77.0-24", "a subnet without a lease")]
    [InlineData("10.24.6.0-24", "another node's subnet")]
    [InlineData("../config", "no subnet")]
    [InlineData("", "nothing")]
    public async Task A_wrong_pointer_is_ignored(string text, string why)
    {
        var fixture = await NewAsync();
        await fixture.AcquireAsync("192.168.0.2", "10.24.6.0/24");
        await fixture.PutAsync(fixture.Keys.Nodes + "192.168.0.1", text);
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.True(held.Lease.Key.ToString() == OwnKey, why);
    }

    [Fact]
    public async Task A_lease_of_an_upstream_node_with_this_address_is_found_among_all_leases()
    {
        var fixture = await NewAsync();
        await fixture.PutLeaseAsync("10.24.9.0-24", """{"PublicIP":"192.168.0.3","PublicIPv6":null,"BackendType":"ali-vpc"}""",
            await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        fixture.Etcd.ClearRequests();
        Assert.Equal("10.24.9.0-24", (await fixture.AcquireAsync("192.168.0.3")).Lease.Key.ToString());
        Assert.Equal(["Txn", "LeaseKeepAlive", "Txn"], fixture.Etcd.Requests);
        Assert.Equal("10.24.9.0-24", (await fixture.AcquireAsync("192.168.0.3")).Lease.Key.ToString());
        Assert.Equal("10.24.9.0-24", (await fixture.GetAsync(fixture.Keys.Nodes + "192.168.0.3"))!.Value.ToStringUtf8());
    }

    [Fact]
    public async Task A_lease_that_another_one_overlaps_is_kept_and_logged()
    {
        var fixture = await NewAsync();
        await fixture.PutLeaseAsync("10.24.5.128-25", """{"PublicIP":"192.168.0.9"}""");
        await fixture.DeleteAsync(fixture.Keys.Nodes + "192.168.0.1");
        Assert.Equal(OwnKey, (await fixture.AcquireAsync("192.168.0.1")).Lease.Key.ToString());
        Assert.Equal(1, fixture.Logger.Count(2015));
    }

    [Fact]
    public async Task A_lease_that_was_changed_to_a_reservation_is_one()
    {
        var fixture = await NewAsync();
        // As operators of upstream do: the key is written again without an etcd lease.
        await fixture.PutLeaseAsync(OwnKey, (await fixture.GetAsync(fixture.Keys.Subnets + OwnKey))!.Value.ToStringUtf8());
        fixture.Etcd.ClearRequests();
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.True(held.Lease.IsReservation);
        Assert.Equal(["Txn"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task Another_reservation_is_used_once_the_lease_is_released()
    {
        var fixture = await NewAsync();
        await fixture.PutLeaseAsync("10.24.9.0-24", """{"PublicIP":"192.168.0.1"}""");
        Assert.Equal(OwnKey, (await fixture.AcquireAsync("192.168.0.1", Own)).Lease.Key.ToString());
        await fixture.DeleteAsync(fixture.Keys.Subnets + OwnKey);
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.Equal("10.24.9.0-24", held.Lease.Key.ToString());
        Assert.True(held.Lease.IsReservation);
    }

    [Fact]
    public async Task An_expired_lease_is_acquired_again_with_one_read_of_all_leases()
    {
        var fixture = await NewAsync();
        await fixture.Direct.LeaseRevokeAsync((await fixture.LeasesAsync())[0].EtcdLeaseId, Cancel);
        fixture.Etcd.ClearRequests();
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.False(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "LeaseGrant", "Txn"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_lease_whose_key_was_deleted_costs_one_more_read()
    {
        var fixture = await NewAsync();
        await fixture.DeleteAsync(fixture.Keys.Subnets + OwnKey);
        fixture.Etcd.ClearRequests();
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "Txn", "LeaseGrant", "Txn"], fixture.Etcd.Requests);
    }

    [Theory]
    [InlineData("""{"PublicIP":"192.168.0.9"}""")]
    [InlineData("invalid")]
    public async Task A_subnet_that_another_node_has_leased_is_not_taken(string value)
    {
        var fixture = await NewAsync();
        await fixture.PutLeaseAsync(OwnKey, value);
        fixture.Etcd.ClearRequests();
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.NotEqual(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "Txn", "LeaseGrant", "Txn"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_lease_of_another_subnet_than_that_of_the_file_is_found_by_the_address()
    {
        var fixture = await NewAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", "10.24.6.0/24");
        Assert.True(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
    }

    [Fact]
    public async Task A_lease_that_does_not_fit_is_deleted_after_a_read_of_all_leases()
    {
        var fixture = await NewAsync();
        await fixture.AcquireAsync("192.168.0.2", "10.24.6.0/24");
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":25}""");
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.Equal(25, held.Lease.Subnet.Length);
        Assert.False(held.Lease.Subnet.Overlaps(Ipv4Network.Parse("10.24.6.0/24")));
        Assert.Null(await fixture.GetAsync(fixture.Keys.Subnets + OwnKey));
        Assert.Equal(1, fixture.Logger.Count(2013));
    }

    [Fact]
    public async Task A_previous_lease_that_expires_between_the_read_and_the_renewal_is_acquired_again()
    {
        var fixture = await NewAsync();
        var lease = (await fixture.LeasesAsync())[0].EtcdLeaseId;
        fixture.Etcd.RunBeforeFirst("LeaseKeepAlive", () => fixture.Direct.LeaseRevokeAsync(lease, Cancel));
        var held = await fixture.AcquireAsync("192.168.0.1", Own);
        Assert.False(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
    }

    private async Task<RegistryFixture> NewAsync()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.AcquireAsync("192.168.0.1", Own);
        return fixture;
    }
}
