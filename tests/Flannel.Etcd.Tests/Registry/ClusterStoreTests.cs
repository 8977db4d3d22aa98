using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>The cluster's id, and the proof before a deletion, against a real etcd.</summary>
public sealed class ClusterStoreTests(SharedEtcd shared)
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_id_is_created_once_and_stays_from_term_to_term()
    {
        var fixture = await shared.CreateConfiguredAsync();
        Assert.IsType<ClusterIdResult.Missing>(await ReadAsync(fixture));
        var first = await fixture.CampaignAsync();
        var id = await EnsureAsync(first);
        Assert.Equal(id, await EnsureAsync(first));
        await first.DisposeAsync();
        await using var second = await fixture.CampaignAsync();
        Assert.Equal(id, await EnsureAsync(second));
        Assert.Equal(new ClusterIdResult.Known(id), await ReadAsync(fixture));
        Assert.Equal(0, (await fixture.GetAsync(ClusterKey(fixture)))!.Lease);
    }

    [Fact]
    public async Task Two_clusters_have_two_ids()
    {
        var (one, other) = (await shared.CreateConfiguredAsync(), await shared.CreateConfiguredAsync());
        await using var term = await one.CampaignAsync();
        await using var otherTerm = await other.CampaignAsync();
        Assert.NotEqual(await EnsureAsync(term), await EnsureAsync(otherTerm));
    }

    [Fact]
    public async Task A_former_controller_creates_no_id_and_writes_nothing()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var former = await fixture.CampaignAsync();
        await former.DisposeAsync();
        await using var term = await fixture.CampaignAsync();
        Assert.IsType<ClusterIdResult.TermOver>(await former.Cluster.EnsureAsync(Cancel));
        Assert.Null(await fixture.GetAsync(ClusterKey(fixture)));
        await EnsureAsync(term);
        Assert.False(await former.Cluster.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
        Assert.Null(await term.Cluster.ReadAbsentLeasesAsync(Cancel));
        Assert.True(await term.Cluster.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
        Assert.Equal("{}"u8.ToArray(), await term.Cluster.ReadAbsentLeasesAsync(Cancel));
    }

    [Fact]
    public async Task A_value_of_another_program_is_not_an_id_and_is_not_overwritten()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutAsync(ClusterKey(fixture), "my cluster");
        await using var term = await fixture.CampaignAsync();
        Assert.IsType<ClusterIdResult.Unreadable>(await term.Cluster.EnsureAsync(Cancel));
        Assert.IsType<ClusterIdResult.Unreadable>(await ReadAsync(fixture));
        Assert.Equal("my cluster", (await fixture.GetAsync(ClusterKey(fixture)))!.Value.ToStringUtf8());
    }

    [Theory]
    [InlineData("10.24.5.0-24", TermProof.LeasesDiffer)]
    [InlineData("10.24.5.0-24&fc00--64", TermProof.LeasesDiffer)]
    [InlineData("10.24.5.0-25", TermProof.Proven)]
    [InlineData("10.24.50.0-24", TermProof.Proven)]
    public async Task A_lease_that_exists_in_etcd_is_found_alone_and_with_an_ipv6_subnet(string key, TermProof expected)
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await EnsureAsync(term);
        Assert.Equal(TermProof.Proven, await term.ProveAsync([Subnet], [], Cancel));
        await fixture.PutLeaseAsync(key, """{"PublicIP":"192.168.0.5"}""");
        Assert.Equal(expected, await term.ProveAsync([Subnet], [], Cancel));
        Assert.False(term.Lost.IsCancellationRequested);
    }

    [Theory]
    [InlineData("10.24.7.0-24&fd00:24:0:5::-64", TermProof.LeasesDiffer)]
    [InlineData("10.24.5.0-24&fd00:24:0:6::-64", TermProof.Proven)]
    [InlineData("10.24.5.0-24", TermProof.Proven)]
    [InlineData("something else", TermProof.Proven)]
    public async Task A_lease_of_an_ipv6_subnet_is_found_with_every_ipv4_subnet(string key, TermProof expected)
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await EnsureAsync(term);
        IpNetwork[] absent = [IpNetwork.Parse("fd00:24:0:5::/64"), Ipv4Network.Parse("10.24.99.0/24")];
        Assert.Equal(TermProof.Proven, await term.ProveAsync(absent, [], Cancel));
        await fixture.PutLeaseAsync(key, """{"PublicIP":"192.168.0.5"}""");
        Assert.Equal(expected, await term.ProveAsync(absent, [], Cancel));
    }

    [Fact]
    public async Task A_released_lease_that_was_written_again_is_not_proved()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await EnsureAsync(term);
        var lease = await fixture.ReserveAsync();
        Assert.Equal(TermProof.Proven, await term.ProveAsync([], [lease], Cancel));
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.5"}""");
        Assert.Equal(TermProof.LeasesDiffer, await term.ProveAsync([], [lease], Cancel));
    }

    [Fact]
    public async Task As_many_leases_as_one_call_deletes_are_proved_in_one_transaction()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await EnsureAsync(term);
        var subnets = Enumerable.Range(0, 50).Select(i => IpNetwork.Parse($"10.24.{i}.0/24")).ToList();
        var lease = await fixture.ReserveAsync("10.24.60.0-24");
        Assert.Equal(TermProof.Proven, await term.ProveAsync(subnets, Enumerable.Repeat(lease, 50).ToList(), Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_etcd_with_another_id_or_none_ends_the_term(bool isReplaced)
    {
        var fixture = await shared.CreateConfiguredAsync();
        await using var term = await fixture.CampaignAsync();
        await EnsureAsync(term);
        if (isReplaced) await fixture.PutAsync(ClusterKey(fixture), "{\"Id\":\"0123456789abcdef\"}");
        else await fixture.DeleteAsync(ClusterKey(fixture));
        Assert.Equal(TermProof.Unproven, await term.ProveAsync([Subnet], [], Cancel));
        Assert.True(term.Lost.IsCancellationRequested);
    }

    private static string ClusterKey(RegistryFixture fixture) => fixture.Keys.Cluster.ToStringUtf8();

    private static Task<ClusterIdResult> ReadAsync(RegistryFixture fixture) => ClusterStore.ReadAsync(fixture.Direct, fixture.Keys, Cancel);

    private static async Task<ClusterId> EnsureAsync(ElectedTerm term) =>
        Assert.IsType<ClusterIdResult.Known>(await term.Cluster.EnsureAsync(Cancel)).Id;
}
