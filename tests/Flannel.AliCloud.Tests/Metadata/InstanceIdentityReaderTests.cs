using CsCheck;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Addresses;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Metadata;

public class InstanceIdentityReaderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_primary_interface_is_the_one_of_eth0()
    {
        await using var cloud = await StartAsync();
        var identity = await IdentityAsync(cloud, "i-1", Mac(1).ToUpperInvariant().Replace(':', '-'));
        Assert.Equal(
            (Region, "cn-hangzhou-h", "i-1", "vpc-1", "vsw-1", Mac(1), "eni-1", true),
            (identity.RegionId, identity.ZoneId, identity.InstanceId, identity.VpcId, identity.VSwitchId, identity.Mac,
                identity.NetworkInterfaceId,
                identity.PrimaryInterface));
        Assert.Equal([Ipv4Address.Parse("192.168.1.11")], identity.PrivateAddresses);
        Assert.Equal((Region, "vpc-1", "vsw-1", "i-1", "eni-1", true),
            (identity.RegionId, identity.VpcId, identity.VSwitchId, identity.InstanceId, identity.NetworkInterfaceId,
                identity.PrimaryInterface));
    }

    [Fact]
    public async Task A_secondary_interface_has_its_own_vSwitch()
    {
        await using var cloud = await StartAsync();
        var identity = await IdentityAsync(cloud, "i-1", Mac(9));
        Assert.Equal(("eni-1b", false, "vsw-2"), (identity.NetworkInterfaceId, identity.PrimaryInterface, identity.VSwitchId));
    }

    [Fact]
    public async Task Hardened_mode_is_supported()
    {
        await using var cloud = await StartAsync();
        Assert.Equal("i-2", (await IdentityAsync(cloud, "i-2", Mac(2))).InstanceId);
    }

    [Fact]
    public async Task The_identity_takes_the_token_and_one_round_trip()
    {
        var (asked, all) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var server = await MetadataStub.StartAsync(async (method, head, _) =>
        {
            if (method == "PUT") return (200, "token");
            if (Interlocked.Increment(ref asked) == 11) all.SetResult();
            await all.Task.WaitAsync(TimeSpan.FromSeconds(30), Token); // no response before all requests have arrived
            return (200, head.Split(' ')[1].Split('/')[^1] switch
            {
                "instance-id" => "i-1",
                "region-id" => Region,
                "zone-id" => "cn-hangzhou-h",
                "mac" => Mac(1),
                "network-interface-id" => "eni-1",
                "vpc-id" => "vpc-1",
                "vswitch-id" => "vsw-1",
                "primary-ip-address" => "192.168.1.11",
                _ => """["192.168.1.12","192.168.1.11"]""",
            });
        });
        using var metadata = server.Client(o => o with { RequestTimeout = TimeSpan.FromSeconds(60) });
        var identity = Assert.IsType<InstanceIdentityResult.Identity>(
            await new InstanceIdentityReader(metadata).ReadAsync(Mac(1), Token)).Value;
        Assert.Equal(["192.168.1.11", "192.168.1.12"], identity.PrivateAddresses.Select(a => a.ToString()));
        Assert.Equal(12, server.Methods.Count);
        Assert.Null(identity.VSwitchRange); // the stub returns no CIDR block
    }

    [Theory]
    [InlineData("i-1", 1, "192.168.1.0/24")]
    [InlineData("i-1", 9, "192.168.2.0/24")]
    public async Task The_CIDR_blocks_of_vSwitch_and_VPC_are_read(string instance, int mac, string vSwitch)
    {
        await using var cloud = await StartAsync();
        var identity = await IdentityAsync(cloud, instance, Mac(mac));
        Assert.Equal((vSwitch, "192.168.0.0/16"), (identity.VSwitchRange.ToString(), identity.VpcRange.ToString()));
    }

    [Fact]
    public async Task The_identity_is_read_once()
    {
        await using var cloud = await StartAsync();
        var reader = new InstanceIdentityReader(cloud.Metadata("i-1"));
        var first = Assert.IsType<InstanceIdentityResult.Identity>(await reader.ReadAsync(Mac(1), Token));
        await cloud.Cloud.StopMetadataAsync();
        Assert.Same(first.Value, Assert.IsType<InstanceIdentityResult.Identity>(await reader.ReadAsync(Mac(1), Token)).Value);
    }

    [Theory]
    [InlineData("00:16:3e:ff:ff:ff")]
    [InlineData("not a mac")]
    [InlineData("")]
    public async Task An_unknown_interface_is_reported_with_the_known_ones(string mac)
    {
        await using var cloud = await StartAsync();
        var answer = Assert.IsType<InstanceIdentityResult.NoSuchInterface>(
            await new InstanceIdentityReader(cloud.Metadata("i-1")).ReadAsync(mac, Token));
        if (mac.Length == 17) Assert.Equal([Mac(1), Mac(9)], answer.Known.Order());
        Assert.Contains(mac, answer.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_metadata_service_the_reason_mentions_ECS()
    {
        await using var cloud = await StartAsync();
        var reader = new InstanceIdentityReader(cloud.Metadata("i-1"));
        await cloud.Cloud.StopMetadataAsync();
        var answer = Assert.IsType<InstanceIdentityResult.Unreachable>(await reader.ReadAsync(Mac(1), Token));
        Assert.Contains("ECS instance", answer.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', answer.Reason);
        await cloud.Cloud.StartMetadataAsync(Token);
        Assert.IsType<InstanceIdentityResult.Identity>(await reader.ReadAsync(Mac(1), Token));
    }

    [Fact]
    public async Task Concurrent_requests_to_an_unresponsive_service_time_out_together()
    {
        var never = new TaskCompletionSource<(int, string)>();
        await using var server = await MetadataStub.StartAsync((_, _, _) => never.Task);
        using var metadata = server.Client(o => o with { RequestTimeout = TimeSpan.FromMilliseconds(200) });
        try
        {
            Assert.IsType<InstanceIdentityResult.Unreachable>(await new InstanceIdentityReader(metadata).ReadAsync(Mac(1), Token));
            Assert.Equal(["PUT"], server.Methods);
        }
        finally
        {
            never.SetResult((500, ""));
        }
    }

    [Theory]
    [InlineData(404, "")]
    [InlineData(200, "")]
    [InlineData(200, "<html>a captive portal</html>")]
    [InlineData(200, "i-1\ni-2")]
    public async Task Another_server_at_the_address_is_not_an_ECS_instance(int status, string body)
    {
        await using var server = await MetadataStub.StartAsync((method, _, _) => method == "PUT" ? (404, "") : (status, body));
        using var metadata = server.Client();
        var answer = Assert.IsType<InstanceIdentityResult.NotAnEcsInstance>(
            await new InstanceIdentityReader(metadata).ReadAsync(Mac(1), Token));
        Assert.Contains("not an ECS instance", answer.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_are_read_from_arrays_in_any_notation()
    {
        Assert.Equal([Ipv4Address.Parse("10.0.0.1"), Ipv4Address.Parse("10.0.0.2")],
            InstanceIdentityReader.Addresses("""["10.0.0.1", "10.0.0.2","10.0.0.1"]"""));
        Assert.Equal([Ipv4Address.Parse("10.0.0.1")], InstanceIdentityReader.Addresses("[10.0.0.1, fe80::1]"));
        Assert.Empty(InstanceIdentityReader.Addresses(""));
    }

    [Fact]
    public void No_input_makes_the_lists_throw() => Gen.String.Sample(text =>
    {
        _ = InstanceIdentityReader.Addresses(text);
        return InstanceIdentityReader.Macs(text).All(ResourceIdFormat.IsMacAddress);
    }, seed: Seeds.Texts, iter: 2000);

    private static async Task<InstanceIdentity> IdentityAsync(TestCloud cloud, string instance, string mac) =>
        Assert.IsType<InstanceIdentityResult.Identity>(
            await new InstanceIdentityReader(cloud.Metadata(instance)).ReadAsync(mac, Token)).Value;
}
