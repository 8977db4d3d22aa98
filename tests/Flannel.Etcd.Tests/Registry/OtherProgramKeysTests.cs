using Flannel.Core.Addresses;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Keys and values that upstream's nodes, operators and other programs write.</summary>
public sealed class OtherProgramKeysTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("10.24.5.0-24",
        """{"PublicIP":"192.168.0.7","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"4a:10:d1:3a:d4:63"}}""")]
    [InlineData("10.24.5.0-24", """{"PublicIP":"192.168.0.7","PublicIPv6":null,"BackendType":"ali-vpc"}""")]
    [InlineData("10.24.5.0-24", """{"PublicIP":"192.168.0.7","BackendType":"ali-vpc","BackendData":null}""")]
    [InlineData("10.24.5.0-24&fc00:0:0:5::-64",
        """{"PublicIP":"192.168.0.7","PublicIPv6":"fd00::7","BackendType":"vxlan","BackendData":{"VNI":1},"BackendV6Data":{"VNI":1}}""")]
    public async Task Upstreams_leases_are_read_and_their_subnets_are_taken(string key, string value)
    {
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.5.0","SubnetMax":"10.24.6.0"}""");
        await fixture.PutLeaseAsync(key, value, await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        var lease = Assert.Single(await fixture.LeasesAsync());
        Assert.Equal("192.168.0.7", lease.Attributes.PublicIp.ToString());
        Assert.Equal(key, lease.Key.ToString());
        Assert.Equal("10.24.6.0/24", (await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24")).Lease.Subnet.ToString());
    }

    [Fact]
    public async Task A_lease_that_upstream_wrote_for_this_node_is_used_with_its_etcd_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var id = await fixture.GrantAsync(TimeSpan.FromMinutes(1));
        await fixture.PutLeaseAsync("10.24.5.0-24", """{"PublicIP":"192.168.0.1","PublicIPv6":null,"BackendType":"ali-vpc"}""", id);
        var held = await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal(id, held.Lease.EtcdLeaseId);
        Assert.Equal(RegistryFixture.Attributes("192.168.0.1"), held.Lease.Attributes);
        Assert.True(held.Expiry!.Value.TimeToLive <= TimeSpan.FromMinutes(1), "the time is that of the etcd lease");
    }

    [Fact]
    public async Task An_unreadable_lease_keeps_its_subnet_taken_and_the_state_incomplete()
    {
        foreach (var value in new[] { "", "invalid", "[]", "{\"PublicIP\":7}", "{\"PublicIP\":\"010.0.0.1\"}", "{} {}" })
        {
            var fixture = await shared.CreateConfiguredAsync(
                """{"Network":"10.24.0.0/16","SubnetMin":"10.24.5.0","SubnetMax":"10.24.6.0"}""");
            await fixture.PutLeaseAsync("10.24.5.0-24", value);
            var state = await fixture.Manager.ReadAsync(Cancel);
            Assert.False(state.IsComplete, value);
            Assert.Empty(state.Leases);
            Assert.Equal([Ipv4Network.Parse("10.24.5.0/24")], state.Taken);
            await fixture.Manager.ReadAsync(Cancel);
            Assert.Equal(1, fixture.Logger.Count(2018));
            Assert.Equal("10.24.6.0/24", (await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24")).Lease.Subnet.ToString());
        }
    }

    [Theory]
    [InlineData("readme")]
    [InlineData("")]
    [InlineData("10.24.5.0")]
    [InlineData("10.24.5.0-33")]
    [InlineData("10.24.005.0-24")]
    [InlineData("10.24.5.0-24/more")]
    public async Task A_key_that_names_no_subnet_is_ignored_with_one_warning(string key)
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync(key, "whatever");
        var state = await fixture.Manager.ReadAsync(Cancel);
        Assert.True(state.IsComplete);
        Assert.Empty(state.Leases);
        Assert.Empty(state.Taken);
        await fixture.AcquireAsync("192.168.0.1");
        Assert.Equal(1, fixture.Logger.Count(2017));
    }

    [Theory]
    [InlineData("10.24.5.readme")]
    [InlineData("10.24.5.0-24/more")]
    public async Task A_subnet_is_skipped_with_one_warning_if_a_key_that_names_no_subnet_sorts_among_its_keys(string key)
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.PutLeaseAsync(key, "whatever");
        Assert.NotEqual("10.24.5.0/24", (await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24")).Lease.Subnet.ToString());
        Assert.Equal(1, fixture.Logger.Count(2025));
    }

    [Fact]
    public async Task A_key_that_only_upstream_reads_as_a_subnet_keeps_the_subnet_taken()
    {
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.5.0","SubnetMax":"10.24.6.0"}""");
        await fixture.PutLeaseAsync("10.24.5.9-24", """{"PublicIP":"192.168.0.9"}""");
        Assert.Equal("10.24.6.0/24", (await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24")).Lease.Subnet.ToString());
    }

    [Fact]
    public async Task A_dual_stack_lease_of_this_node_is_used_while_the_configuration_is_dual_stack()
    {
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48"}""");
        await fixture.PutLeaseAsync("10.24.5.0-24&fc00:0:0:5::-64", """{"PublicIP":"192.168.0.1"}""",
            await fixture.GrantAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal("10.24.5.0-24&fc00:0:0:5::-64", (await fixture.AcquireAsync("192.168.0.1")).Lease.Key.ToString());
    }

    [Fact]
    public async Task Leases_beyond_one_page_are_read_at_one_revision()
    {
        const int leases = 9000;
        var fixture = await shared.CreateConfiguredAsync("""{"Network":"10.0.0.0/8","SubnetLen":24}""");
        for (var batch = 0; batch < leases / 100; batch++)
        {
            var request = new Etcdserverpb.TxnRequest();
            for (var i = 0; i < 100; i++)
            {
                var number = batch * 100 + i;
                request.Success.Add(new Etcdserverpb.RequestOp
                {
                    RequestPut = new Etcdserverpb.PutRequest
                    {
                        Key = Google.Protobuf.ByteString.CopyFromUtf8($"{fixture.Keys.Subnets}10.{number / 250 + 1}.{number % 250}.0-24"),
                        Value = Google.Protobuf.ByteString.CopyFromUtf8(
                            $$"""{"PublicIP":"172.16.{{number / 250}}.{{number % 250}}","BackendType":"ali-vpc"}"""),
                    },
                });
            }

            await fixture.Direct.TxnAsync(request, Cancel);
        }

        var state = await fixture.Manager.ReadAsync(Cancel);
        Assert.Equal(leases, state.Leases.Count);
        Assert.Equal(["Txn", "Range"], fixture.Etcd.Requests);
        Assert.DoesNotContain((await fixture.AcquireAsync("192.168.0.1")).Lease.Subnet, state.Taken);
    }
}
