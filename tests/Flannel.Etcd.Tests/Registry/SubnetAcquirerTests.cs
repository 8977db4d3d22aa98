using System.Collections.Concurrent;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

public sealed class SubnetAcquirerTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_lease_costs_a_read_a_grant_and_a_write()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal(["Txn", "LeaseGrant", "Txn"], fixture.Etcd.Requests);
        Assert.False(held.WasFound);
        Assert.True(SubnetAllocator.Fits(held.Config, held.Lease.Subnet));
        var pair = await fixture.GetAsync(fixture.Keys.Subnets + held.Lease.Key);
        Assert.Equal(held.Lease.EtcdLeaseId, pair!.Lease);
        Assert.Equal(held.Lease.CreateRevision, pair.CreateRevision);
        Assert.Equal("""{"PublicIP":"192.168.0.1","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{"InstanceId":"i-1"}}""",
            pair.Value.ToStringUtf8());
        Assert.InRange(held.Expiry!.Value.Remaining(TimeProvider.System), TimeSpan.FromHours(23.9), TimeSpan.FromHours(24));
    }

    [Fact]
    public async Task A_found_lease_costs_two_reads_and_a_renewal_even_without_a_subnet_file()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await fixture.AcquireAsync("192.168.0.1");
        fixture.Etcd.ClearRequests();
        var second = await fixture.AcquireAsync("192.168.0.1", previous: "10.24.77.0/24");
        Assert.Equal(["Txn", "Txn", "LeaseKeepAlive"], fixture.Etcd.Requests);
        Assert.True(second.WasFound);
        Assert.Equal(first.Lease, second.Lease);
    }

    [Fact]
    public async Task A_known_state_replaces_the_first_read()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var state = await fixture.Manager.ReadAsync(Cancel);
        fixture.Etcd.ClearRequests();
        Assert.IsType<AcquireResult.Held>(await fixture.Manager.AcquireAsync(RegistryFixture.Request("192.168.0.1"), state, Cancel));
        Assert.Equal(["LeaseGrant", "Txn"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_changed_value_is_written_once_and_keeps_the_etcd_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await fixture.AcquireAsync("192.168.0.1");
        var changed = RegistryFixture.Attributes("192.168.0.1") with { PublicIpv6 = "fd00::7" };
        var result = await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1", attributes: _ => changed));
        var second = Assert.IsType<AcquireResult.Held>(result).Lease;
        Assert.Equal(first.Lease.EtcdLeaseId, second.Lease.EtcdLeaseId);
        Assert.Equal(first.Lease.CreateRevision, second.Lease.CreateRevision);
        var pair = await fixture.GetAsync(fixture.Keys.Subnets + first.Lease.Key);
        Assert.Equal(second.Lease.ModRevision, pair!.ModRevision);
        Assert.Equal(first.Lease.EtcdLeaseId, pair.Lease);
        Assert.Contains("fd00::7", pair.Value.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_previous_subnet_is_taken_if_it_is_free()
    {
        var fixture = await shared.CreateConfiguredAsync();
        Assert.Equal("10.24.77.0/24", (await fixture.AcquireAsync("192.168.0.1", "10.24.77.0/24")).Lease.Subnet.ToString());
    }

    [Theory]
    [InlineData("10.24.77.0/24", "10.24.77.0-24", "another node has it")]
    [InlineData("10.24.77.0/24", "10.24.76.0-22", "a network that contains it is leased")]
    [InlineData("10.24.77.0/24", "10.24.77.128-25", "a part of it is leased")]
    [InlineData("10.24.77.0/24", "10.24.77.0-24&fc00::-64", "a dual-stack node has it")]
    [InlineData("10.25.77.0/24", null, "it is outside the network")]
    [InlineData("10.24.77.0/25", null, "it has another length")]
    public async Task The_previous_subnet_is_not_taken_if(string previous, string? other, string why)
    {
        var fixture = await shared.CreateConfiguredAsync();
        if (other is not null) await fixture.PutLeaseAsync(other, """{"PublicIP":"192.168.0.9"}""");
        var held = await fixture.AcquireAsync("192.168.0.1", previous);
        // By chance the subnet may contain a previous one of another length.
        Assert.True(held.Lease.Subnet != Ipv4Network.Parse(previous), why);
        if (other is not null) Assert.False(held.Lease.Subnet.Overlaps(Ipv4Network.Parse(previous)), why);
    }

    [Fact]
    public async Task A_subnet_that_overlaps_an_excluded_range_is_never_leased()
    {
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.24.0.0/21","Backend":{"Type":"ali-vpc"}}""");
        // One equal to a subnet, one inside another, and one that contains two; the first subnet of a network is never leased either.
        await fixture.PutAsync(fixture.Keys.VSwitches + "vpc-1", "10.24.1.0/24 10.24.2.64/26 invalid");
        await fixture.PutAsync(fixture.Keys.VSwitches + "vpc-2", "10.24.0.0/16"); // of another VPC
        var subnets = new List<string>();
        for (var i = 1; ; i++)
        {
            var request = RegistryFixture.Request($"192.168.0.{i}", "10.24.1.0/24");
            request = request with { Excluded = [Ipv4Network.Parse("10.24.4.0/23")], VpcId = "vpc-1" };
            if (await fixture.TryAcquireAsync(request) is not AcquireResult.Held held) break;
            subnets.Add(held.Lease.Lease.Subnet.ToString());
        }

        Assert.Equal(["10.24.3.0/24", "10.24.6.0/24", "10.24.7.0/24"], subnets.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_avoided_range_is_leased_from_only_when_nothing_else_is_free()
    {
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.24.0.0/22","Backend":{"Type":"ali-vpc"}}""");
        var subnets = new List<string>();
        for (var i = 1; i <= 3; i++)
        {
            var request = RegistryFixture.Request($"192.168.0.{i}") with { Avoided = [Ipv4Network.Parse("10.24.0.0/23")] };
            subnets.Add(Assert.IsType<AcquireResult.Held>(await fixture.TryAcquireAsync(request)).Lease.Lease.Subnet.ToString());
        }

        Assert.Equal(["10.24.2.0/24", "10.24.3.0/24"], subnets[..2].Order(StringComparer.Ordinal));
        Assert.Equal("10.24.1.0/24", subnets[2]);
    }

    [Fact]
    public async Task A_reservation_is_found_and_updated_and_stays_a_reservation()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.1"}""");
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal("10.24.5.0-24", held.Lease.Key.ToString());
        Assert.True(held.WasFound);
        Assert.Null(held.Expiry);
        Assert.Equal(["Txn", "Txn"], fixture.Etcd.Requests);
        var pair = await fixture.GetAsync(fixture.Keys.Subnets + "10.24.5.0-24");
        Assert.Equal(0, pair!.Lease);
        Assert.Contains("ali-vpc", pair.Value.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reservation_is_preferred_to_an_older_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        // Of an upstream node with this address: an own lease is found without reading all leases (RestartTests).
        await fixture.PutLeaseAsync("10.24.4.0-24", """{"PublicIP":"192.168.0.1"}""", await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.1"}""");
        Assert.Equal("10.24.5.0-24", (await fixture.AcquireAsync("192.168.0.1")).Lease.Key.ToString());
    }

    [Fact]
    public async Task A_lease_that_does_not_fit_any_more_is_deleted_with_all_attached_keys()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var old = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        await fixture.PutAsync(fixture.Keys.Routes + old.Lease.Key, "{}", old.Lease.EtcdLeaseId);
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc"}}""");
        var held = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        Assert.Equal(26, held.Lease.Subnet.Length);
        Assert.Null(await fixture.GetAsync(fixture.Keys.Subnets + old.Lease.Key));
        Assert.Null(await fixture.GetAsync(fixture.Keys.Routes + old.Lease.Key));
    }

    [Fact]
    public async Task A_reservation_that_does_not_fit_is_not_used_and_logged_once()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync("10.99.5.0-24", """{"PublicIP":"192.168.0.1"}""");
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.True(SubnetAllocator.Fits(held.Config, held.Lease.Subnet));
        Assert.NotNull(await fixture.GetAsync(fixture.Keys.Subnets + "10.99.5.0-24"));
        Assert.Equal(1, fixture.Logger.Count(2014));
    }

    [Fact]
    public async Task Nodes_that_start_together_hold_distinct_subnets()
    {
        const int nodes = 60;
        var fixture = shared.CreateFixture();
        // 64 subnets for 60 nodes: almost every choice is contested.
        await fixture.PublishConfigAsync(
            """{"Network":"10.24.0.0/16","SubnetLen":24,"SubnetMin":"10.24.64.0","SubnetMax":"10.24.127.0"}""");
        var held = new ConcurrentBag<HeldLease>();
        await Task.WhenAll(Enumerable.Range(1, nodes).Select(async node =>
        {
            var manager = fixture.NewManager();
            held.Add(await fixture.AcquireAsync($"192.168.1.{node}", manager: manager));
        }));
        Assert.Equal(nodes, held.Select(lease => lease.Lease.Subnet).Distinct().Count());
        Assert.Equal(nodes, (await fixture.LeasesAsync()).Count);
        Assert.Equal(nodes, fixture.Etcd.Requests.Count(request => request == "LeaseGrant"));
    }

    [Fact]
    public async Task A_full_range_is_reported_and_leaves_no_etcd_lease()
    {
        var fixture = await shared.CreateConfiguredAsync(
            """{"Network":"10.24.0.0/16","SubnetLen":24,"SubnetMin":"10.24.1.0","SubnetMax":"10.24.2.0"}""");
        await fixture.AcquireAsync("192.168.0.1");
        await fixture.AcquireAsync("192.168.0.2");
        var result = await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.3"));
        var full = Assert.IsType<AcquireResult.OutOfSubnets>(result);
        var freed = fixture.Manager.WaitForFreeSubnetAsync(full.Revision, TimeSpan.FromMinutes(5), Cancel);
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.2.0-24");
        await Eventually.WithinAsync("the freed subnet is seen", freed);
        Assert.Equal("10.24.2.0/24", (await fixture.AcquireAsync("192.168.0.3")).Lease.Subnet.ToString());
    }

    [Fact]
    public async Task The_transaction_fails_if_a_dual_stack_node_or_another_length_took_the_subnet()
    {
        foreach (var other in new[] { "10.24.7.0-24&fc00::-64", "10.24.7.64-26", "10.24.0.0-20", "10.24.7.0-25" })
        {
            var fixture = await shared.CreateConfiguredAsync();
            fixture.Etcd.RunBeforeFirst("LeaseGrant", () => fixture.PutLeaseAsync(other, """{"PublicIP":"192.168.0.9"}"""));
            var held = await fixture.AcquireAsync("192.168.0.1", "10.24.7.0/24");
            Assert.False(held.Lease.Subnet.Overlaps(Ipv4Network.Parse("10.24.7.0/24")), other);
            Assert.Equal(["Txn", "LeaseGrant", "Txn", "Txn"], fixture.Etcd.Requests);
        }
    }

    [Fact]
    public async Task A_configuration_that_changes_during_the_acquisition_is_applied()
    {
        var fixture = await shared.CreateConfiguredAsync();
        fixture.Etcd.Before = name =>
            name == "LeaseGrant" ? fixture.PublishConfigAsync("""{"Network":"10.99.0.0/16"}""") : Task.CompletedTask;
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal("10.99.0.0/16", held.Config.Network.ToString());
        Assert.True(held.Config.Network.Contains(held.Lease.Subnet));
    }

    [Fact]
    public async Task A_found_lease_is_not_written_under_a_configuration_that_has_changed_meanwhile()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1", "10.24.5.0/24", config => Attributes(config.BackendType)));
        var written = new List<string>();
        fixture.Etcd.Before = name => name == "LeaseKeepAlive" && written.Count == 0
            ? PublishAsync("""{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""")
            : Task.CompletedTask;
        // Another value than the one that is there, so that it is written.
        var result = await fixture.TryAcquireAsync(
            RegistryFixture.Request("192.168.0.1", attributes: config => Attributes(config.BackendType) with { PublicIpv6 = "fd00::7" }));
        var held = Assert.IsType<AcquireResult.Held>(result).Lease;
        Assert.Equal(("alloc", "alloc"), (held.Config.BackendType, held.Lease.Attributes.BackendType));
        Assert.Equal(held.ConfigRevision, (await fixture.GetAsync(fixture.Keys.Config.ToStringUtf8()))!.ModRevision);
        Assert.Equal("alloc", Assert.Single(await fixture.LeasesAsync()).Attributes.BackendType);

        LeaseAttributes Attributes(string backend) => new(Ipv4Address.Parse("192.168.0.1"), null, backend, null, null);

        async Task PublishAsync(string config)
        {
            written.Add(config);
            await fixture.PublishConfigAsync(config);
        }
    }

    [Fact]
    public async Task A_write_whose_response_was_lost_is_found_and_its_etcd_lease_stays()
    {
        var fixture = await shared.CreateConfiguredAsync();
        fixture.Etcd.LoseResponse("Txn", number: 2);
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.True(held.WasFound);
        Assert.Single(await fixture.LeasesAsync());
        Assert.NotNull(await fixture.Direct.LeaseKeepAliveOnceAsync(held.Lease.EtcdLeaseId, Cancel));
        Assert.DoesNotContain("LeaseRevoke", fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_grant_whose_response_was_lost_is_revoked()
    {
        var fixture = await shared.CreateConfiguredAsync();
        fixture.Etcd.LoseResponse("LeaseGrant");
        await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal(2, fixture.Etcd.Requests.Count(request => request == "LeaseGrant"));
        Assert.Equal("LeaseRevoke", fixture.Etcd.Requests[^1]);
    }

    [Fact]
    public async Task A_lease_that_expires_between_the_read_and_the_renewal_is_acquired_again()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        fixture.Etcd.RunBeforeFirst("LeaseKeepAlive", () => fixture.Direct.LeaseRevokeAsync(first.Lease.EtcdLeaseId, Cancel));
        var second = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        Assert.False(second.WasFound);
        Assert.Equal(first.Lease.Subnet, second.Lease.Subnet);
        Assert.True(second.Lease.CreateRevision > first.Lease.CreateRevision);
    }

    [Fact]
    public async Task An_unsupported_backend_is_reported_with_the_configuration()
    {
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.24.0.0/16","Backend":{"Type":"vxlan"}}""");
        var result = await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1",
            attributes: config => config.BackendType == "ali-vpc" ? RegistryFixture.Attributes("192.168.0.1") : null));
        Assert.Equal("vxlan", Assert.IsType<AcquireResult.UnsupportedConfig>(result).Config.BackendType);
        Assert.Equal(["Txn"], fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_missing_and_an_invalid_configuration_are_reported_once_each_and_a_valid_one_ends_the_wait()
    {
        var fixture = shared.CreateFixture();
        Assert.IsType<AcquireResult.NoConfig>(await fixture.TryAcquireAsync(RegistryFixture.Request("192.168.0.1")));
        var reported = new ConcurrentQueue<ConfigState>();
        var waiting = fixture.Manager.WaitForConfigAsync(new ConfigRequest(reported.Enqueue), null, Cancel);
        await Eventually.IsAsync("the missing configuration is reported", () => reported.Count == 1);
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0"}""");
        await Eventually.IsAsync("the malformed configuration is reported", () => reported.Count == 2);
        await fixture.PublishConfigAsync();
        var state = await Eventually.WithinAsync("the wait ends", waiting);
        Assert.IsType<ConfigState.Missing>(reported.First());
        Assert.Contains("Network", Assert.IsType<ConfigState.Invalid>(reported.Last()).Error, StringComparison.Ordinal);
        Assert.Equal("10.24.0.0/16", Assert.IsType<ConfigState.Present>(state.Config).Config.Network.ToString());
        Assert.True(fixture.Etcd.Requests.Count < 12, string.Join(' ', fixture.Etcd.Requests));
    }
}
