using System.Text;
using Etcdserverpb;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>The exact keys and values that upstream flannel (v0.19.2 to today) writes and expects, from its source; see
/// docs/compatibility.md.</summary>
public sealed class UpstreamTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The examples of upstream's documentation and tests, with the results of its CheckNetworkConfig.</summary>
    [Theory]
    [InlineData("""{ "Network": "10.3.0.0/16", "SubnetMin": "10.3.1.0", "SubnetMax": "10.3.25.0" }""",
        "10.3.0.0/16 SubnetLen 24 10.3.1.0..10.3.25.0 backend udp")]
    [InlineData("""{ "Network": "10.4.0.0/16" }""", "10.4.0.0/16 SubnetLen 24 10.4.1.0..10.4.255.0 backend udp")]
    [InlineData(
        """{"Network":"10.0.0.0/8","SubnetLen":20,"SubnetMin":"10.10.0.0","SubnetMax":"10.99.0.0","Backend":{"Type":"udp","Port":7890}}""",
        "10.0.0.0/8 SubnetLen 20 10.10.0.0..10.99.0.0 backend udp")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"x","AccessKeySecret":"y"}}""",
        "10.24.0.0/16 SubnetLen 24 10.24.1.0..10.24.255.0 backend ali-vpc")]
    [InlineData("""{"EnableNFTables":true,"Network":"10.24.0.0/28","Backend":{"Type":"alloc"}}""",
        "10.24.0.0/28 SubnetLen 30 10.24.0.4..10.24.0.12 backend alloc")]
    public void Upstreams_configurations_are_read_as_upstream_reads_them(string config, string meaning) =>
        Assert.Equal(meaning, NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(config)).Value.ToString());

    /// <summary>Go's json.Marshal of LeaseAttrs, as each backend fills it.</summary>
    [Theory]
    [InlineData("""{"PublicIP":"192.168.0.7","PublicIPv6":null}""", "", null)]
    [InlineData("""{"PublicIP":"192.168.0.7","PublicIPv6":null,"BackendType":"host-gw"}""", "host-gw", null)]
    [InlineData(
        """{"PublicIP":"192.168.0.7","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}}""",
        "vxlan", """{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}""")]
    [InlineData(
        """{"PublicIP":"192.168.0.7","PublicIPv6":"fd00::7","BackendType":"wireguard","BackendData":{"PublicKey":"k="},"BackendV6Data":{"PublicKey":"k="}}""",
        "wireguard", """{"PublicKey":"k="}""")]
    public void The_values_of_upstreams_leases_are_written_back_byte_for_byte(string value, string backend, string? data)
    {
        var attributes = LeaseAttributes.Parse(Encoding.UTF8.GetBytes(value)).Value;
        Assert.Equal("192.168.0.7", attributes.PublicIp.ToString());
        Assert.Equal((backend, data), (attributes.BackendType, attributes.BackendData));
        Assert.Equal(value, Encoding.UTF8.GetString(attributes.ToJson()));
    }

    [Fact]
    public async Task Below_the_prefix_that_upstream_watches_there_are_only_leases()
    {
        var fixture = await shared.CreateConfiguredAsync();
        await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        // As in watchSubnets: the prefix without a slash at its end.
        var all = await fixture.Direct.RangeAsync(
            new RangeRequest { Key = Text(fixture.Keys.Prefix + "/"), RangeEnd = Text(fixture.Keys.Prefix + "0") }, Cancel);
        var keys = all.Kvs.Select(pair => pair.Key.ToStringUtf8()[fixture.Keys.Prefix.Length..]).ToList();
        Assert.Equal(["/ali-vpc/instances/i-1", "/ali-vpc/nodes/192.168.0.1", "/config", "/subnets/10.24.5.0-24"], keys);
        Assert.Single(keys, key => key.StartsWith("/subnets", StringComparison.Ordinal));
        Assert.Equal(
            """{"PublicIP":"192.168.0.1","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{"InstanceId":"i-1"}}""",
            all.Kvs[3].Value.ToStringUtf8());
        Assert.All(all.Kvs.Where(pair => !pair.Key.Equals(fixture.Keys.Config)), pair => Assert.NotEqual(0, pair.Lease));
    }

    [Fact]
    public async Task Upstreams_transaction_does_not_create_a_subnet_that_is_leased()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        var key = Text(fixture.Keys.Subnets + held.Lease.Key);
        // createSubnet: If(Version(key) = 0).Then(Put); etcd's version of a key is 0 exactly while it was never created or is deleted.
        var response = await fixture.Direct.TxnAsync(
            new TxnRequest
            {
                Compare = { new Compare { Key = key,
                    Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, CreateRevision = 0 } },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = Text("upstream") } } },
            },
            Cancel);
        Assert.False(response.Succeeded);
    }

    [Fact]
    public async Task Upstreams_renewal_of_a_lease_with_our_address_is_adopted_and_another_one_loses_the_lease()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = await fixture.HoldAsync(held);
        // updateSubnet: a plain Put under an etcd lease of its own, whichever node has the key.
        await fixture.PutLeaseAsync(held.Lease.Key.ToString(), """{"PublicIP":"192.168.0.1","PublicIPv6":null}""",
            await fixture.GrantAsync(TimeSpan.FromHours(24)));
        Assert.Equal(TimeSpan.FromHours(24), (await events.NextAsync<LeaseEvent.Renewed>()).TimeToLive);
        await fixture.PutLeaseAsync(held.Lease.Key.ToString(), """{"PublicIP":"192.168.0.9","PublicIPv6":null}""",
            await fixture.GrantAsync(TimeSpan.FromHours(24)));
        Assert.Equal(LeaseLoss.Overwritten, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
    }

    [Theory]
    [InlineData("10.24.5.0-24", "10.24.5.0/24")]
    [InlineData("10.24.5.0-24&fc00:0:0:5::-64", "10.24.5.0/24")]
    [InlineData("prefix-10.24.5.0-24", null)]
    public void Upstreams_keys_are_read_as_its_MakeSubnetKey_writes_them(string key, string? subnet) =>
        Assert.Equal(subnet, SubnetKey.TryParse(key, out var read) ? read.Subnet.ToString() : null);

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);
}
