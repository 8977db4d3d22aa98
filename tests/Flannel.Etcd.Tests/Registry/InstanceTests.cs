using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Nodes are distinguished by their instance, not by their address.</summary>
public sealed class InstanceTests(SharedEtcd shared)
{
    private const string Address = "192.168.0.1";
    private const string Subnet = "10.24.5.0/24";
    private const string Key = "10.24.5.0-24";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "vpc-1", "an address that the metadata service does not confirm proves nothing")]
    [InlineData(true, "vpc-2", "an address is unique only within a VPC")]
    public async Task A_second_instance_with_the_same_address_gets_no_lease_and_changes_nothing(bool isConfirmed, string vpc, string why)
    {
        var fixture = await shared.CreateConfiguredAsync();
        await AcquireAsync(fixture, "i-1", Address);
        var before = await fixture.GetAsync(fixture.Keys.Subnets + Key);
        fixture.Etcd.ClearRequests();
        var inUse = Assert.IsType<AcquireResult.AddressInUse>(await TryAsync(fixture, "i-2", Address, vpc, isConfirmed));
        Assert.True(inUse.Lease.Key.ToString() == Key, why);
        Assert.Equal(before, await fixture.GetAsync(fixture.Keys.Subnets + Key));
        Assert.Single(await fixture.LeasesAsync());
        Assert.All(fixture.Etcd.Requests, request => Assert.Equal("Txn", request));
        Assert.Equal(Key, (await fixture.GetAsync(fixture.Keys.Nodes + Address))!.Value.ToStringUtf8());
    }

    [Fact]
    public async Task An_instance_with_a_confirmed_address_takes_over_the_lease_of_the_former_instance()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await AcquireAsync(fixture, "i-1", Address);
        var second = Assert.IsType<AcquireResult.Held>(await TryAsync(fixture, "i-2", Address, isConfirmed: true)).Lease;
        Assert.Equal(first.Lease.Key, second.Lease.Key);
        Assert.Equal(first.Lease.EtcdLeaseId, second.Lease.EtcdLeaseId);
        Assert.Equal(first.Lease.CreateRevision, second.Lease.CreateRevision);
        Assert.Equal("i-2", LeaseInstance.Read(Assert.Single(await fixture.LeasesAsync()).Attributes)?.Id);
        Assert.Equal(1, fixture.Logger.Count(2035));
    }

    [Fact]
    public async Task A_lost_lease_names_the_instance_that_took_it_over()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var events = await fixture.HoldAsync(await AcquireAsync(fixture, "i-1", Address));
        await TryAsync(fixture, "i-2", Address, isConfirmed: true);
        var lost = await events.NextAsync<LeaseEvent.Lost>();
        Assert.Equal((LeaseLoss.Overwritten, $"i-2 ({Address}) has it now"), (lost.Loss, lost.Reason));
    }

    [Theory]
    [InlineData(Subnet, 3)]
    [InlineData(null, 4)]
    public async Task The_same_instance_with_a_new_address_keeps_its_subnet(string? previous, int reads)
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await AcquireAsync(fixture, "i-1", Address);
        for (var other = 10; other < 14; other++) await AcquireAsync(fixture, $"i-{other}", $"192.168.0.{other}", previous: null);
        fixture.Etcd.ClearRequests();
        var second = Assert.IsType<AcquireResult.Held>(await TryAsync(fixture, "i-1", "192.168.0.2", previous: previous)).Lease;
        Assert.Equal((first.Lease.Key, first.Lease.EtcdLeaseId), (second.Lease.Key, second.Lease.EtcdLeaseId));
        Assert.Equal(reads, fixture.Etcd.Requests.Count(request => request == "Txn"));
        Assert.Equal("192.168.0.2", await AddressOfAsync(fixture, Key));
        Assert.Null(await fixture.GetAsync(fixture.Keys.Nodes + Address));
        Assert.Equal(Key, (await fixture.GetAsync(fixture.Keys.Nodes + "192.168.0.2"))!.Value.ToStringUtf8());
        // From then on it is found without a read of the other leases.
        fixture.Etcd.ClearRequests();
        await TryAsync(fixture, "i-1", "192.168.0.2", previous: null);
        Assert.Equal(["Txn", "Txn", "LeaseKeepAlive"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task An_instance_does_not_move_to_an_address_that_another_one_uses()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await AcquireAsync(fixture, "i-1", Address);
        await AcquireAsync(fixture, "i-2", "192.168.0.2", previous: "10.24.6.0/24");
        var inUse = Assert.IsType<AcquireResult.AddressInUse>(await TryAsync(fixture, "i-2", Address, previous: "10.24.6.0/24"));
        Assert.Equal(Key, inUse.Lease.Key.ToString());
        Assert.Equal("192.168.0.2", await AddressOfAsync(fixture, "10.24.6.0-24"));
    }

    [Fact]
    public async Task Of_two_leases_the_one_that_names_the_instance_is_used_not_the_older_one_of_its_address()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync("10.24.4.0-24", $$"""{"PublicIP":"{{Address}}"}""", await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        const string own = """{"PublicIP":"192.168.0.7","BackendType":"ali-vpc","BackendData":{"InstanceId":"i-1"}}""";
        await fixture.PutLeaseAsync(Key, own, await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(Key, (await AcquireAsync(fixture, "i-1", Address, previous: null)).Lease.Key.ToString());
    }

    [Fact]
    public async Task The_lease_of_upstreams_ali_vpc_at_this_address_names_no_instance_and_is_taken_over()
    {
        var fixture = await shared.CreateConfiguredAsync();
        // As flannel v0.19.2 writes it.
        const string upstreams = $$"""{"PublicIP":"{{Address}}","PublicIPv6":null,"BackendType":"ali-vpc"}""";
        await fixture.PutLeaseAsync(Key, upstreams, await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(Key, (await AcquireAsync(fixture, "i-1", Address, previous: null)).Lease.Key.ToString());
    }

    [Fact]
    public async Task A_backend_without_instances_does_not_take_the_lease_of_an_instance()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await AcquireAsync(fixture, "i-1", Address);
        var request = RegistryFixture.Request(
            Address, attributes: _ => new LeaseAttributes(Ipv4Address.Parse(Address), null, "alloc", null, null));
        Assert.IsType<AcquireResult.AddressInUse>(await fixture.TryAcquireAsync(request));
        // If the node knows that it is this instance, it does.
        var known = request with { Owner = request.Owner with { Instance = new LeaseInstance("i-1", "vpc-1") } };
        Assert.Equal(Key, Assert.IsType<AcquireResult.Held>(await fixture.TryAcquireAsync(known)).Lease.Lease.Key.ToString());
    }

    [Fact]
    public async Task Of_two_instances_that_start_at_once_with_one_address_only_one_gets_a_subnet()
    {
        var fixture = await shared.CreateConfiguredAsync();
        fixture.Etcd.RunBeforeFirst("LeaseGrant", () => AcquireAsync(fixture, "i-1", Address));
        var inUse = Assert.IsType<AcquireResult.AddressInUse>(await TryAsync(fixture, "i-2", Address, previous: "10.24.6.0/24"));
        Assert.Equal(Key, inUse.Lease.Key.ToString());
        Assert.Equal("i-1", LeaseInstance.Read(Assert.Single(await fixture.LeasesAsync()).Attributes)?.Id);
    }

    [Fact]
    public async Task A_pointer_of_a_deleted_reservation_does_not_prevent_a_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutAsync(fixture.Keys.Nodes + Address, Key);
        Assert.Equal(Key, (await AcquireAsync(fixture, "i-1", Address)).Lease.Key.ToString());
    }

    [Fact]
    public async Task A_status_that_is_older_than_the_lease_is_ignored()
    {
        var fixture = await shared.CreateConfiguredAsync();
        // Of a reservation, whose status is attached to no etcd lease.
        var status = new RouteStatus(Subnet, "i-1", [], RouteState.Available, "", "", DateTimeOffset.UnixEpoch);
        await fixture.PutAsync(fixture.Keys.Routes + Key, Encoding.UTF8.GetString(status.ToJson()));
        await fixture.PutLeaseAsync(Key, $$"""{"PublicIP":"{{Address}}"}""");
        await using var events = new KeeperEvents(fixture.Keeper(await AcquireAsync(fixture, "i-1", Address)));
        Assert.Null((await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status);
    }

    private static async Task<string> AddressOfAsync(RegistryFixture fixture, string key) =>
        (await fixture.LeasesAsync()).Single(lease => lease.Key.ToString() == key).Attributes.PublicIp.ToString();

    private static async Task<HeldLease> AcquireAsync(
        RegistryFixture fixture, string instance, string address, string? previous = Subnet) =>
        Assert.IsType<AcquireResult.Held>(await TryAsync(fixture, instance, address, previous: previous)).Lease;

    private static Task<AcquireResult> TryAsync(
        RegistryFixture fixture, string instance, string address, string vpc = "vpc-1", bool isConfirmed = false, string? previous = Subnet)
    {
        var attributes = new LeaseAttributes(
            Ipv4Address.Parse(address), null, "ali-vpc", $$"""{"VpcId":"{{vpc}}","InstanceId":"{{instance}}"}""", null);
        var owner = new LeaseOwner(attributes.PublicIp, previous is null ? null : Ipv4Network.Parse(previous))
        {
            Instance = new LeaseInstance(instance, vpc),
            IsAddressConfirmed = isConfirmed,
        };
        return fixture.TryAcquireAsync(new AcquireRequest(owner, (NetworkConfig _) => attributes));
    }
}
