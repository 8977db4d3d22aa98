using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

public sealed class RouteStatusStoreTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_status_is_attached_to_its_lease_and_deleted_with_it()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.True((await PublishAsync(term.Statuses, held.Lease)).IsTermHeld);
        Assert.Equal(held.Lease.EtcdLeaseId, (await fixture.GetAsync(fixture.Keys.Routes + held.Lease.Key))!.Lease);
        var (key, status) = Assert.Single(await term.Statuses.ReadAllAsync(Cancel));
        Assert.Equal(held.Lease.Key.ToString(), key);
        Assert.True(status.IsFor(held.Lease.Subnet, "i-1"));
        await fixture.Direct.LeaseRevokeAsync(held.Lease.EtcdLeaseId, Cancel);
        Assert.Empty(await term.Statuses.ReadAllAsync(Cancel));
    }

    [Fact]
    public async Task Many_statuses_are_written_in_few_transactions()
    {
        const int nodes = 250;
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        for (var i = 0; i < nodes; i++) await fixture.PutLeaseAsync($"10.24.{i}.0-24", $$"""{"PublicIP":"192.168.0.{{i}}"}""");
        var leases = await fixture.LeasesAsync();
        fixture.Etcd.ClearRequests();
        Assert.True((await PublishAsync(term.Statuses, [.. leases]))
            .IsTermHeld);
        Assert.Equal(3, fixture.Etcd.Requests.Count(request => request == "Txn"));
        Assert.Equal(nodes, (await term.Statuses.ReadAllAsync(Cancel)).Count);
    }

    [Fact]
    public async Task A_deleted_or_replaced_lease_is_skipped_and_one_with_another_etcd_lease_is_not()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        var kept = (await fixture.AcquireAsync("192.168.0.1")).Lease;
        var deleted = (await fixture.AcquireAsync("192.168.0.2")).Lease;
        var replaced = (await fixture.AcquireAsync("192.168.0.3")).Lease;
        var upstream = (await fixture.AcquireAsync("192.168.0.4")).Lease;
        await fixture.DeleteAsync(fixture.Keys.Subnets + deleted.Key);
        await fixture.DeleteAsync(fixture.Keys.Subnets + replaced.Key);
        await fixture.PutLeaseAsync(replaced.Key.ToString(), """{"PublicIP":"192.168.0.9"}""");
        var id = await fixture.GrantAsync(TimeSpan.FromMinutes(1));
        await fixture.PutLeaseAsync(upstream.Key.ToString(), """{"PublicIP":"192.168.0.4"}""", id);
        await fixture.Direct.LeaseRevokeAsync(upstream.EtcdLeaseId, Cancel);
        var leases = new[] { kept, deleted, replaced, upstream };
        Assert.True((await PublishAsync(term.Statuses, [.. leases])).IsTermHeld);
        Assert.Equal(
            new[] { kept.Key.ToString(), upstream.Key.ToString() }.Order(),
            (await term.Statuses.ReadAllAsync(Cancel)).Keys.Order());
        Assert.Equal(id, (await fixture.GetAsync(fixture.Keys.Routes + upstream.Key))!.Lease);
    }

    [Fact]
    public async Task A_former_controller_writes_and_deletes_nothing()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await fixture.CampaignAsync();
        var lease = await fixture.ReserveAsync();
        Assert.True((await PublishAsync(first.Statuses, lease)).IsTermHeld);
        await first.DisposeAsync();
        await using var second = await fixture.CampaignAsync();
        var before = (await fixture.GetAsync(fixture.Keys.Routes + lease.Key))!.ModRevision;
        Assert.False((await PublishAsync(first.Statuses, lease)).IsTermHeld);
        await fixture.DeleteAsync(fixture.Keys.Subnets + lease.Key);
        Assert.False(await first.Statuses.DeleteAsync([lease.Key.ToString()], Cancel));
        Assert.Equal(before, (await fixture.GetAsync(fixture.Keys.Routes + lease.Key))!.ModRevision);
    }

    [Fact]
    public async Task Terms_with_equal_revisions_in_a_restored_etcd_differ_by_their_etcd_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        var lease = await fixture.ReserveAsync();
        var former = new RouteStatusStore(fixture.Context, new ElectionFence(term.Revision, term.EtcdLeaseId + 1));
        Assert.False((await PublishAsync(former, lease)).IsTermHeld);
        Assert.False(await former.DeleteAsync(["10.24.9.0-24"], Cancel));
        Assert.Empty(await term.Statuses.ReadAllAsync(Cancel));
        var current = new RouteStatusStore(fixture.Context, new ElectionFence(term.Revision, term.EtcdLeaseId));
        Assert.True((await PublishAsync(current, lease)).IsTermHeld);
    }

    [Fact]
    public async Task One_status_is_read_by_its_subnet()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        var lease = await fixture.ReserveAsync();
        Assert.Null(await fixture.Manager.ReadRouteStatusAsync(lease.Key, Cancel));
        Assert.True((await PublishAsync(term.Statuses, lease)).IsTermHeld);
        Assert.Equal("i-1", (await fixture.Manager.ReadRouteStatusAsync(lease.Key, Cancel))!.InstanceId);
    }

    [Fact]
    public async Task The_status_of_a_deleted_reservation_is_deleted_and_that_of_another_one_is_kept()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.5"}""");
        await fixture.PutLeaseAsync("10.24.6.0-24", """{"PublicIP":"192.168.0.6"}""");
        Assert.True((await PublishAsync(term.Statuses, [.. await fixture.LeasesAsync()])).IsTermHeld);
        await fixture.DeleteAsync(fixture.Keys.Subnets + "10.24.5.0-24");
        Assert.Equal(2, (await term.Statuses.ReadAllAsync(Cancel)).Count);
        Assert.True(await term.Statuses.DeleteAsync(["10.24.5.0-24", "10.24.6.0-24"], Cancel));
        Assert.Equal(["10.24.6.0-24"], (await term.Statuses.ReadAllAsync(Cancel)).Keys);
    }

    [Fact]
    public async Task A_status_that_is_older_than_its_subnets_key_is_left_out()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        var former = await fixture.ReserveAsync();
        Assert.True((await PublishAsync(term.Statuses, former)).IsTermHeld);
        Assert.Single(await term.Statuses.ReadAllAsync(Cancel));
        // Deleted by an operator and created again with the same etcd lease: nodes do not use the status of the former key.
        await fixture.DeleteAsync(fixture.Keys.Subnets + former.Key);
        var present = await fixture.ReserveAsync();
        Assert.Equal(former.EtcdLeaseId, present.EtcdLeaseId);
        Assert.Empty(await term.Statuses.ReadAllAsync(Cancel));
        Assert.True((await PublishAsync(term.Statuses, present)).IsTermHeld);
        Assert.Single(await term.Statuses.ReadAllAsync(Cancel));
    }

    [Fact]
    public async Task A_status_that_cannot_be_read_is_left_out()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await fixture.PutAsync(fixture.Keys.Routes + "10.24.5.0-24", "invalid");
        Assert.Empty(await term.Statuses.ReadAllAsync(Cancel));
    }

    [Fact]
    public async Task The_ranges_of_vSwitches_are_written_if_they_changed_and_only_by_the_elected_controller()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var first = await fixture.CampaignAsync();
        IReadOnlyList<Ipv4Network> ranges = [Ipv4Network.Parse("192.168.2.0/24"), Ipv4Network.Parse("192.168.1.0/24")];
        Assert.True(await first.VSwitches.PublishAsync("vpc-1", ranges, Cancel));
        var written = (await fixture.GetAsync(fixture.Keys.VSwitches + "vpc-1"))!;
        Assert.Equal("192.168.1.0/24 192.168.2.0/24", written.Value.ToStringUtf8());
        Assert.Equal(0, written.Lease); // it outlives the term: nodes choose a subnet without a controller, too
        Assert.True(await first.VSwitches.PublishAsync("vpc-1", [.. ranges.Reverse()], Cancel));
        Assert.Equal(written.ModRevision, (await fixture.GetAsync(fixture.Keys.VSwitches + "vpc-1"))!.ModRevision);
        Assert.Equal(ranges.Order(), ((RegistryState)await fixture.Manager.ReadAsync(Cancel)).VSwitches["vpc-1"]);
        await first.DisposeAsync();
        await using var second = await fixture.CampaignAsync();
        Assert.False(await first.VSwitches.PublishAsync("vpc-1", [], Cancel));
        Assert.True(await second.VSwitches.PublishAsync("vpc-1", [], Cancel));
        Assert.Empty(((RegistryState)await fixture.Manager.ReadAsync(Cancel)).VSwitches["vpc-1"]);
    }

    [Fact]
    public async Task A_status_that_etcd_rejects_does_not_prevent_the_others()
    {
        const int nodes = 40;
        var fixture = await shared.CreateConfiguredAsync();
        for (var i = 0; i < nodes; i++) await fixture.PutLeaseAsync($"10.24.{i}.0-24", $$"""{"PublicIP":"192.168.0.{{i}}"}""");
        var leases = await fixture.LeasesAsync();
        await using var term = await fixture.CampaignAsync();
        // As after a restore: the etcd lease of the key does not exist.
        var bad = leases[17];
        fixture.Etcd.FailTxn = request => request.Success.Any(op => op.RequestPut?.Key.ToStringUtf8() == fixture.Keys.Routes + bad.Key)
            ? new EtcdException(EtcdErrorKind.LeaseNotFound, "etcdserver: requested lease not found", mayHaveHappened: false)
            : null;
        var result = await PublishAsync(term.Statuses, [.. leases]);
        Assert.True(result.IsTermHeld);
        Assert.Equal([bad.Key.ToString()], result.Rejected);
        Assert.Equal(nodes - 1, (await term.Statuses.ReadAllAsync(Cancel)).Count);
        Assert.Equal(1, fixture.Logger.Count(2040));
    }

    [Fact]
    public async Task Statuses_are_written_to_an_etcd_that_allows_fewer_operations_than_usual()
    {
        const int nodes = 40;
        await using var etcd = await EtcdProcess.StartAsync("http", "--max-txn-ops=16");
        var fixture = new RegistryFixture(etcd.Connect());
        for (var i = 0; i < nodes; i++) await fixture.PutLeaseAsync($"10.24.{i}.0-24", $$"""{"PublicIP":"192.168.0.{{i}}"}""");
        await using var term = await fixture.CampaignAsync();
        var result = await PublishAsync(term.Statuses, [.. await fixture.LeasesAsync()]);
        Assert.True(result is { IsTermHeld: true, Rejected.Count: 0 }, string.Join('\n', fixture.Logger.Lines));
        Assert.Equal(nodes, (await term.Statuses.ReadAllAsync(Cancel)).Count);
    }

    [Fact]
    public async Task A_missing_permission_is_logged_once_and_not_retried()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var lease = await fixture.ReserveAsync();
        await using var term = await fixture.CampaignAsync();
        fixture.Etcd.FailTxn = _ => new EtcdException(EtcdErrorKind.PermissionDenied,
            "http://h:2379: etcdserver: permission denied", mayHaveHappened: false);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal([lease.Key.ToString()], (await PublishAsync(term.Statuses, lease)).Rejected);
            Assert.True(await term.Statuses.DeleteAsync(["10.24.6.0-24"], Cancel));
        }

        var line = Assert.Single(fixture.Logger.Lines, line => line.Id == 2040);
        Assert.Contains($"permission denied; grant the etcd user readwrite on the prefix {fixture.Keys.Routes}",
            line.Text, StringComparison.Ordinal);
    }

    private static Task<StatusPublishResult> PublishAsync(RouteStatusStore statuses, params Lease[] leases) =>
        statuses.PublishAsync([.. leases.Select(lease => new RouteStatusUpdate(lease, RegistryFixture.Status(lease)))], Cancel);
}
