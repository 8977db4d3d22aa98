using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Nodes are identified by their instance, not by their address.</summary>
public sealed class InstanceTests : EndToEndTest
{
    [Fact]
    public async Task A_second_instance_with_the_same_public_address_is_refused()
    {
        await StartVpcAsync(2);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        var clone = await Vpc.Instances[1].StartDaemonAsync(WithAddressOf(0, 1));

        Assert.Equal(1, await clone.WaitForExitAsync(Cancel));
        var (other, address) = (Vpc.Instances[0].InstanceId, Vpc.Instances[0].PublicIp);
        var refusal = $"{other} uses this node's public address {address} and holds {SubnetOf(lease!)}";
        Assert.Contains(refusal, clone.StandardError, StringComparison.Ordinal);
        Assert.Equal(lease, Assert.Single(await Vpc.LeasesAsync(Cancel)));
        Assert.False(first.HasExited);
        Assert.False(File.Exists(Vpc.Instances[1].SubnetFile));
    }

    [Fact]
    public async Task An_instance_with_a_new_address_keeps_its_subnet_and_its_route()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        Assert.Equal(0, await first.StopAsync(Cancel));
        File.Delete(Vpc.Instances[0].SubnetFile);
        const string address = "192.168.200.77";

        var second = await Vpc.Instances[0].StartDaemonAsync(WithAddress(address, 0));
        await second.WaitForReadyAsync(Cancel);

        var kept = Assert.Single(await Vpc.LeasesAsync(Cancel));
        Assert.Equal((lease!.Key, lease.LeaseId), (kept.Key, kept.LeaseId));
        Assert.Equal(address, JsonNode.Parse(kept.Value)!["PublicIP"]!.GetValue<string>());
        await WaitForRouteAsync(SubnetOf(lease), 0);
    }

    [Fact]
    public async Task The_lease_of_a_released_instance_is_taken_over_if_the_metadata_service_confirms_the_address()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(1);
        await PutLeaseOfAnotherInstanceAsync();

        await StartReadyAsync(0);

        Assert.Equal("10.24.77.0/24", await SubnetAsync(0));
        await Vpc.Instances[0].Daemon!.WaitForLogAsync("lease 10.24.77.0-24 taken over from instance i-gone", Cancel);
        await WaitForRouteAsync("10.24.77.0/24", 0);
    }

    [Fact]
    public async Task A_daemon_whose_lease_was_taken_names_the_new_holder()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        await Vpc.Etcd.Keys.PutAsync(
            lease!.Key, lease.Value.Replace(Vpc.Instances[0].InstanceId, "i-other", StringComparison.Ordinal), Cancel, lease.LeaseId);

        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.Contains($"i-other ({Vpc.Instances[0].PublicIp}) has it now", daemon.StandardError, StringComparison.Ordinal);
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));
    }

    private async Task PutLeaseOfAnotherInstanceAsync()
    {
        var value = new JsonObject
        {
            ["PublicIP"] = Vpc.Instances[0].PublicIp,
            ["BackendType"] = "ali-vpc",
            ["BackendData"] = new JsonObject
            {
                ["RegionId"] = CloudSetup.RegionId,
                ["VpcId"] = CloudSetup.VpcId,
                ["VSwitchId"] = "vsw-x",
                ["InstanceId"] = "i-gone",
                ["NetworkInterfaceId"] = "eni-gone",
                ["PrimaryInterface"] = true,
            },
        };
        var etcdLease = await Vpc.Etcd.Keys.GrantAsync(TimeSpan.FromHours(24), Cancel);
        await Vpc.Etcd.Keys.PutAsync($"{SubnetPrefix}10.24.77.0-24", value.ToJsonString(), Cancel, etcdLease);
    }
}
