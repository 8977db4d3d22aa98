using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Leases with an IPv6 subnet, in a real etcd.</summary>
public sealed class DualStackTests(SharedEtcd shared)
{
    private const string DualStack = """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48"}""";

    // Seven IPv6 subnets, and 255 of IPv4.
    private const string FewIpv6Subnets =
        """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/61","IPv6SubnetLen":64}""";

    [Fact]
    public async Task A_new_node_gets_a_subnet_of_each_family_in_one_key()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.Matches("^10\\.24\\.[0-9]+\\.0-24&fc00:0:0:[0-9a-f]+::-64$", held.Lease.Key.ToString());
        Assert.False(held.WasFound);
        Assert.Equal(held.Lease.Key, (await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager())).Lease.Key);
        Assert.Single(await fixture.LeasesAsync());
    }

    [Fact]
    public async Task Nodes_that_start_together_share_no_subnet_of_either_family()
    {
        var fixture = await shared.CreateConfiguredAsync(FewIpv6Subnets);
        var results = await Task.WhenAll(Enumerable.Range(1, 9).Select(number =>
            fixture.TryAcquireAsync(RegistryFixture.Request($"192.168.0.{number}"), fixture.NewManager())));
        var held = results.OfType<AcquireResult.Held>().Select(result => result.Lease.Lease.Key).ToList();
        Assert.Equal(7, held.Count);
        Assert.Equal(7, held.Select(key => key.Ipv6Subnet).Distinct().Count());
        Assert.Equal(7, held.Select(key => key.Subnet).Distinct().Count());
        Assert.All(results.OfType<AcquireResult.OutOfSubnets>(), result => Assert.True(result.IsIpv6));
        Assert.Equal(2, results.OfType<AcquireResult.OutOfSubnets>().Count());
    }

    [Fact]
    public async Task An_IPv6_subnet_that_another_node_takes_between_the_read_and_the_write_is_not_leased()
    {
        // One IPv6 subnet is left, and the other node has another IPv4 subnet.
        const string one = """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","IPv6SubnetMax":"fc00:0:0:1::"}""";
        var fixture = await shared.CreateConfiguredAsync(one);
        // The etcd lease is granted between the read and the write.
        fixture.Etcd.RunBeforeFirst(
            "LeaseGrant", () => fixture.PutLeaseAsync("10.24.77.0-24&fc00:0:0:1::-64", """{"PublicIP":"192.168.0.77"}"""));
        var result = await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1"));
        Assert.True(Assert.IsType<AcquireResult.OutOfSubnets>(result).IsIpv6);
        Assert.Single(await fixture.LeasesAsync());
    }

    [Fact]
    public async Task A_renewal_of_another_node_between_the_read_and_the_write_costs_no_retry()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        await fixture.PutLeaseAsync("10.24.77.0-24&fc00:0:0:1::-64", """{"PublicIP":"192.168.0.77"}""");
        fixture.Etcd.RunBeforeFirst(
            "LeaseGrant", () => fixture.PutLeaseAsync("10.24.77.0-24&fc00:0:0:1::-64", """{"PublicIP":"192.168.0.77"}"""));
        fixture.Etcd.ClearRequests();
        await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal(["Txn", "LeaseGrant", "Txn"], fixture.Etcd.Requests);
    }

    /// <summary>Every creation of a lease fails the others that were decided on before it. Of fifty nodes that start together, most would
    /// lose each race with a state from before their pause.</summary>
    [Fact]
    public async Task After_a_pause_because_of_lost_races_the_leases_are_read_again()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        var transactions = 0;
        // The first one is the read.
        fixture.Etcd.Before = name => name == "Txn" && ++transactions is > 1 and <= 5
            ? fixture.PutLeaseAsync($"10.24.{transactions}.0-24&fc00:0:0:{transactions}::-64", """{"PublicIP":"192.168.0.77"}""")
            : Task.CompletedTask;
        await fixture.AcquireAsync("192.168.0.1");
        // Four lost races, the read after the pause, and the write.
        Assert.Equal(7, transactions);
    }

    [Theory]
    [InlineData("10.24.9.0-24&fc00:0:0:1::-64")]
    [InlineData("10.24.9.0-24&fc00::-61")]
    // An address with host bits, which upstream reads.
    [InlineData("10.24.9.0-24&fc00:0:0:1::5-64")]
    public async Task A_subnet_that_overlaps_a_key_of_another_program_is_not_leased(string key)
    {
        const string one = """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","IPv6SubnetMax":"fc00:0:0:1::"}""";
        var fixture = await shared.CreateConfiguredAsync(one);
        await fixture.PutLeaseAsync(key, """{"PublicIP":"192.168.0.77"}""");
        var result = await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1"));
        Assert.True(Assert.IsType<AcquireResult.OutOfSubnets>(result).IsIpv6);
    }

    [Fact]
    public async Task A_node_keeps_its_IPv4_subnet_when_IPv6_is_enabled_and_when_it_is_disabled()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var before = await fixture.AcquireAsync("192.168.0.1");
        await fixture.PublishConfigAsync(DualStack);
        var dual = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager());
        Assert.Equal(before.Lease.Subnet, dual.Lease.Subnet);
        Assert.NotNull(dual.Lease.Key.Ipv6Subnet);
        Assert.Equal(before.Lease.EtcdLeaseId, dual.Lease.EtcdLeaseId);
        Assert.True(dual.IsKeyReplaced);
        Assert.False((await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager())).IsKeyReplaced);
        Assert.Equal([dual.Lease], await fixture.LeasesAsync());
        await fixture.PublishConfigAsync();
        var after = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager());
        Assert.Equal(before.Lease.Key, after.Lease.Key);
        Assert.Equal([after.Lease], await fixture.LeasesAsync());
    }

    [Fact]
    public async Task A_node_gets_another_IPv6_subnet_when_the_range_changes_and_the_host_stops_using_the_former_one_first()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        var before = await fixture.AcquireAsync("192.168.0.1");
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fd00::/48"}""");
        var deleted = new List<SubnetKey>();
        var request = RegistryFixture.Request("192.168.0.1") with { OnDeleting = lease => deleted.Add(lease.Key) };
        var after = Assert.IsType<AcquireResult.Held>(await fixture.TryAcquireAsync(request)).Lease;
        Assert.Equal(before.Lease.Subnet, after.Lease.Subnet);
        Assert.StartsWith("fd00:", after.Lease.Key.Ipv6Subnet.ToString(), StringComparison.Ordinal);
        Assert.Equal([before.Lease.Key], deleted);
    }

    [Fact]
    public async Task A_reservation_of_an_IPv4_subnet_gets_an_IPv6_subnet_and_stays_a_reservation()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.1"}""");
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal("10.24.5.0/24", held.Lease.Subnet.ToString());
        Assert.NotNull(held.Lease.Key.Ipv6Subnet);
        Assert.True(held.Lease.IsReservation);
        Assert.True(Assert.Single(await fixture.LeasesAsync()).IsReservation);
    }

    [Fact]
    public async Task A_dual_stack_reservation_is_kept_as_it_is_without_IPv6()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24&fc00:0:0:5::-64", """{"PublicIP":"192.168.0.1"}""");
        Assert.Equal("10.24.5.0-24&fc00:0:0:5::-64", (await fixture.AcquireAsync("192.168.0.1")).Lease.Key.ToString());
    }

    [Fact]
    public async Task The_previous_subnets_are_taken_again_if_they_are_free()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        var owner = RegistryFixture.Owner("192.168.0.1", "10.24.5.0/24") with { PreviousIpv6Subnet = Ipv6Network.Parse("fc00:0:0:5::/64") };
        var request = RegistryFixture.Request("192.168.0.1") with { Owner = owner };
        var held = Assert.IsType<AcquireResult.Held>(await fixture.TryAcquireAsync(request)).Lease;
        Assert.Equal("10.24.5.0-24&fc00:0:0:5::-64", held.Lease.Key.ToString());
        // Found by its key, without a read of all leases.
        fixture.Etcd.ClearRequests();
        Assert.IsType<AcquireResult.Held>(await fixture.TryAcquireAsync(request));
        Assert.Equal(["Txn", "LeaseKeepAlive"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task An_expired_lease_is_not_taken_back_if_another_node_has_its_IPv6_subnet()
    {
        var fixture = await shared.CreateConfiguredAsync(DualStack);
        var held = await fixture.AcquireAsync("192.168.0.1");
        await fixture.Direct.LeaseRevokeAsync(held.Lease.EtcdLeaseId, TestContext.Current.CancellationToken);
        await fixture.PutLeaseAsync($"10.24.0.0-24&{held.Lease.Key.Ipv6Subnet!.Value.ToString('-')}", """{"PublicIP":"192.168.0.9"}""");
        var events = new KeeperEvents(fixture.Keeper(held));
        Assert.Equal(LeaseLoss.Taken, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
    }
}
