using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>A node that starts again with its <c>subnet.env</c>: it reads what is its own, not what is everybody's.</summary>
public sealed class RestartTests(SharedEtcd shared)
{
    private const string Own = "10.24.5.0/24";
    private const string OwnKey = "10.24.5.0-24";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_own_lease_is_found_without_the_others_in_two_requests_of_constant_size()
    {
        var world = await NewAsync();
        for (var other = 10; other < 20; other++) await world.AcquireAsync($"192.168.0.{other}");
        world.Etcd.Forget();
        var state = await world.Manager.WaitForConfigAsync(
            new ConfigRequest(_ => { }) { Owner = World.Owner("192.168.0.1", Own) }, null, Cancel);
        Assert.True(state.IsOwnLeaseOnly);
        Assert.False(state.ToSnapshot().IsWhole);
        Assert.Equal(OwnKey, Assert.Single(state.Leases).Key.ToString());
        var held = Assert.IsType<AcquireResult.Held>(await world.Manager.AcquireAsync(World.Request("192.168.0.1", Own), state, Cancel)).Lease;
        Assert.True(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "LeaseKeepAlive"], world.Etcd.Requests);
        Assert.InRange(world.Etcd.BytesRead, 1, 1000);
    }

    [Fact]
    public async Task A_node_that_has_forgotten_its_subnet_finds_it_without_the_others_too()
    {
        var world = await NewAsync();
        for (var other = 10; other < 20; other++) await world.AcquireAsync($"192.168.0.{other}");
        world.Etcd.Forget();
        var held = await world.AcquireAsync("192.168.0.1");
        Assert.True(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "Txn", "LeaseKeepAlive"], world.Etcd.Requests);
        Assert.InRange(world.Etcd.BytesRead, 1, 1500);
    }

    [Fact]
    public async Task The_pointer_to_a_lease_goes_with_it()
    {
        var world = await NewAsync();
        var held = await world.AcquireAsync("192.168.0.1");
        var pointer = await world.GetAsync(world.Keys.Nodes + "192.168.0.1");
        Assert.Equal(OwnKey, pointer!.Value.ToStringUtf8());
        Assert.Equal(held.Lease.EtcdLeaseId, pointer.Lease);
        await world.Direct.LeaseRevokeAsync(held.Lease.EtcdLeaseId, Cancel);
        Assert.Null(await world.GetAsync(world.Keys.Nodes + "192.168.0.1"));
    }

    [Theory]
    [InlineData("10.24.77.0-24", "a subnet that nobody has")]
    [InlineData("10.24.6.0-24", "another node's subnet")]
    [InlineData("../config", "no subnet")]
    [InlineData("", "nothing")]
    public async Task A_pointer_that_is_wrong_is_believed_by_nobody(string text, string why)
    {
        var world = await NewAsync();
        await world.AcquireAsync("192.168.0.2", "10.24.6.0/24");
        await world.PutAsync(world.Keys.Nodes + "192.168.0.1", text);
        var held = await world.AcquireAsync("192.168.0.1");
        Assert.True(held.Lease.Key.ToString() == OwnKey, why);
    }

    [Fact]
    public async Task A_lease_that_an_upstream_node_at_this_address_left_is_found_among_all()
    {
        var world = await NewAsync();
        await world.PutLeaseAsync("10.24.9.0-24", """{"PublicIP":"192.168.0.3","PublicIPv6":null,"BackendType":"ali-vpc"}""", await world.GrantAsync(TimeSpan.FromMinutes(1)));
        world.Etcd.Forget();
        Assert.Equal("10.24.9.0-24", (await world.AcquireAsync("192.168.0.3")).Lease.Key.ToString());
        Assert.Equal(["Txn", "LeaseKeepAlive", "Txn"], world.Etcd.Requests);
        Assert.Equal("10.24.9.0-24", (await world.AcquireAsync("192.168.0.3")).Lease.Key.ToString());
        Assert.Equal("10.24.9.0-24", (await world.GetAsync(world.Keys.Nodes + "192.168.0.3"))!.Value.ToStringUtf8());
    }

    [Fact]
    public async Task A_lease_that_somebody_overlapped_is_kept_and_told_of()
    {
        var world = await NewAsync();
        await world.PutLeaseAsync("10.24.5.128-25", """{"PublicIP":"192.168.0.9"}""");
        await world.DeleteAsync(world.Keys.Nodes + "192.168.0.1");
        Assert.Equal(OwnKey, (await world.AcquireAsync("192.168.0.1")).Lease.Key.ToString());
        Assert.Equal(1, world.Logger.Count(2015));
    }

    [Fact]
    public async Task A_lease_that_was_made_a_reservation_in_its_place_is_one_from_then_on()
    {
        var world = await NewAsync();
        // As the operators of upstream do it: the key written again with no etcd lease.
        await world.PutLeaseAsync(OwnKey, (await world.GetAsync(world.Keys.Subnets + OwnKey))!.Value.ToStringUtf8());
        world.Etcd.Forget();
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.True(held.Lease.IsReservation);
        Assert.Equal(["Txn"], world.Etcd.Requests);
    }

    [Fact]
    public async Task A_reservation_elsewhere_is_taken_once_the_lease_is_given_up()
    {
        var world = await NewAsync();
        await world.PutLeaseAsync("10.24.9.0-24", """{"PublicIP":"192.168.0.1"}""");
        Assert.Equal(OwnKey, (await world.AcquireAsync("192.168.0.1", Own)).Lease.Key.ToString());
        await world.DeleteAsync(world.Keys.Subnets + OwnKey);
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.Equal("10.24.9.0-24", held.Lease.Key.ToString());
        Assert.True(held.Lease.IsReservation);
    }

    [Fact]
    public async Task A_lease_that_ended_is_taken_again_with_one_look_at_all()
    {
        var world = await NewAsync();
        await world.Direct.LeaseRevokeAsync((await world.LeasesAsync())[0].EtcdLeaseId, Cancel);
        world.Etcd.Forget();
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.False(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "LeaseGrant", "Txn"], world.Etcd.Requests);
    }

    [Fact]
    public async Task A_lease_whose_key_alone_was_deleted_costs_one_look_more()
    {
        var world = await NewAsync();
        await world.DeleteAsync(world.Keys.Subnets + OwnKey);
        world.Etcd.Forget();
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "Txn", "LeaseGrant", "Txn"], world.Etcd.Requests);
    }

    [Theory]
    [InlineData("""{"PublicIP":"192.168.0.9"}""")]
    [InlineData("garbage")]
    public async Task A_subnet_that_became_another_nodes_is_left_to_it(string value)
    {
        var world = await NewAsync();
        await world.PutLeaseAsync(OwnKey, value);
        world.Etcd.Forget();
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.NotEqual(OwnKey, held.Lease.Key.ToString());
        Assert.Equal(["Txn", "Txn", "LeaseGrant", "Txn"], world.Etcd.Requests);
    }

    [Fact]
    public async Task A_lease_under_another_key_than_the_file_says_is_found_by_the_address()
    {
        var world = await NewAsync();
        var held = await world.AcquireAsync("192.168.0.1", "10.24.6.0/24");
        Assert.True(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
    }

    [Fact]
    public async Task A_lease_that_the_configuration_does_not_allow_any_more_is_given_up_after_a_look_at_all()
    {
        var world = await NewAsync();
        await world.AcquireAsync("192.168.0.2", "10.24.6.0/24");
        await world.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":25}""");
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.Equal(25, held.Lease.Subnet.Length);
        Assert.False(held.Lease.Subnet.Overlaps(Ipv4Network.Parse("10.24.6.0/24")));
        Assert.Null(await world.GetAsync(world.Keys.Subnets + OwnKey));
        Assert.Equal(1, world.Logger.Count(2013));
    }

    [Fact]
    public async Task A_lease_that_ends_between_the_look_and_the_renewal_is_taken_anew()
    {
        var world = await NewAsync();
        var lease = (await world.LeasesAsync())[0].EtcdLeaseId;
        var once = false;
        world.Etcd.Before = async name =>
        {
            if (name != "LeaseKeepAlive" || once) return;
            once = true;
            await world.Direct.LeaseRevokeAsync(lease, Cancel);
        };
        var held = await world.AcquireAsync("192.168.0.1", Own);
        Assert.False(held.WasFound);
        Assert.Equal(OwnKey, held.Lease.Key.ToString());
    }

    private async Task<World> NewAsync()
    {
        var world = shared.World();
        await world.PublishConfigAsync();
        await world.AcquireAsync("192.168.0.1", Own);
        return world;
    }
}
