using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

public sealed class NonCandidateStoreTests(SharedEtcd shared)
{
    private const string Reason = "the key from RAM role r: missing permission vpc:DescribeRouteEntryList";

    private static readonly DateTimeOffset Now = new(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reason_is_attached_to_the_lease_of_its_node_and_deleted_with_it()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = (await fixture.AcquireAsync("192.168.0.1")).Lease;
        var store = new NonCandidateStore(fixture.Context);
        Assert.True(await store.PublishAsync(held, Node("i-1"), Cancel));

        var pair = await fixture.GetAsync(fixture.Keys.Candidates + "i-1");
        Assert.Equal(held.EtcdLeaseId, pair!.Lease);
        var list = await fixture.Manager.ReadNonCandidatesAsync(10, Cancel);
        Assert.Equal(1, list.Count);
        Assert.Equal(Node("i-1"), Assert.Single(list.Nodes));

        await fixture.Direct.LeaseRevokeAsync(held.EtcdLeaseId, Cancel);
        Assert.Equal(0, (await fixture.Manager.ReadNonCandidatesAsync(10, Cancel)).Count);
    }

    [Fact]
    public async Task Values_that_cannot_be_read_do_not_hide_the_reasons_of_other_nodes()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var store = new NonCandidateStore(fixture.Context);
        await fixture.PutAsync(fixture.Keys.Candidates + "a", "not JSON");
        await fixture.PutAsync(fixture.Keys.Candidates + "b", "{}");
        Assert.True(await store.PublishAsync((await fixture.AcquireAsync("192.168.0.1")).Lease, Node("i-1"), Cancel));
        Assert.True(await store.PublishAsync((await fixture.AcquireAsync("192.168.0.2")).Lease, Node("i-2"), Cancel));

        var list = await store.ReadAsync(1, Cancel);

        Assert.Equal(4, list.Count);
        Assert.Equal(Node("i-1"), Assert.Single(list.Nodes));
    }

    [Fact]
    public async Task A_reason_is_one_line_without_escape_sequences()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutAsync(
            fixture.Keys.Candidates + "i-1", """{"InstanceId":"i\n1","PublicIp":"\u001b[2J","Reason":"a\nflanneld is ready"}""");
        var node = Assert.Single((await fixture.Manager.ReadNonCandidatesAsync(1, Cancel)).Nodes);
        Assert.Equal("i?1 (?[2J): a?flanneld is ready", node.ToString());
    }

    [Fact]
    public async Task The_same_reason_is_written_once_and_another_one_replaces_it()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = (await fixture.AcquireAsync("192.168.0.1")).Lease;
        var store = new NonCandidateStore(fixture.Context);
        Assert.True(await store.PublishAsync(held, Node("i-1"), Cancel));
        fixture.Etcd.ClearRequests();

        Assert.True(await store.PublishAsync(held, Node("i-1") with { RequestId = "R-2", Since = Now.AddMinutes(1) }, Cancel));
        Assert.Equal(["Range"], fixture.Etcd.Requests);
        Assert.Equal(Node("i-1"), Assert.Single((await store.ReadAsync(10, Cancel)).Nodes));

        var other = Node("i-1") with { Reason = "no credentials", RequestId = "", Since = Now.AddMinutes(2) };
        Assert.True(await store.PublishAsync(held, other, Cancel));
        Assert.Equal(other, Assert.Single((await store.ReadAsync(10, Cancel)).Nodes));
    }

    [Fact]
    public async Task An_election_deletes_all_reasons_and_none_is_written_during_the_term()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var store = new NonCandidateStore(fixture.Context);
        var first = (await fixture.AcquireAsync("192.168.0.1")).Lease;
        var second = (await fixture.AcquireAsync("192.168.0.2")).Lease;
        Assert.True(await store.PublishAsync(first, Node("i-1"), Cancel));
        Assert.True(await store.PublishAsync(second, Node("i-2"), Cancel));

        await using (await fixture.CampaignAsync("i-3"))
        {
            Assert.Equal(0, (await store.ReadAsync(10, Cancel)).Count);
            Assert.False(await store.PublishAsync(first, Node("i-1"), Cancel));
            Assert.Equal(0, (await store.ReadAsync(10, Cancel)).Count);
        }

        Assert.True(await store.PublishAsync(first, Node("i-1"), Cancel));
    }

    [Fact]
    public async Task Nothing_is_written_under_a_lease_that_has_changed_or_for_a_reservation()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var store = new NonCandidateStore(fixture.Context);
        var former = (await fixture.AcquireAsync("192.168.0.1")).Lease;
        await fixture.DeleteAsync(fixture.Keys.Subnets + former.Key);
        await fixture.PutLeaseAsync(former.Key.ToString(), """{"PublicIP":"192.168.0.9"}""");
        Assert.False(await store.PublishAsync(former, Node("i-1"), Cancel));

        Lease reservation = former with { Identity = new EtcdLeaseIdentity(former.CreateRevision, EtcdLeaseId: 0) };
        Assert.False(await store.PublishAsync(reservation, Node("i-1"), Cancel));
        Assert.Null(await fixture.GetAsync(fixture.Keys.Candidates + "i-1"));
    }

    [Fact]
    public async Task A_limited_read_counts_all_nodes_and_skips_values_that_cannot_be_read()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var store = new NonCandidateStore(fixture.Context);
        await fixture.PutAsync(fixture.Keys.Candidates + "i-0", "not JSON");
        await fixture.PutAsync(fixture.Keys.Candidates + "i-1", """{"InstanceId":"i-1","PublicIp":"192.168.0.1","Reason":"none"}""");
        await fixture.PutAsync(fixture.Keys.Candidates + "i-2", """{"InstanceId":"i-2","PublicIp":"192.168.0.2","Reason":"none"}""");

        var list = await store.ReadAsync(2, Cancel);

        Assert.Equal(3, list.Count);
        Assert.Equal(["i-1 (192.168.0.1): none", "i-2 (192.168.0.2): none"], list.Nodes.Select(node => node.ToString()));
        await store.DeleteAsync("i-1", Cancel);
        Assert.Equal(2, (await store.ReadAsync(2, Cancel)).Count);
    }

    private static NonCandidate Node(string instance) => new(instance, $"192.168.0.{instance[2..]}", Reason, "R-1", Now);
}
