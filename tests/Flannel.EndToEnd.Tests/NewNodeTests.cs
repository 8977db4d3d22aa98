using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

public sealed class NewNodeTests : EndToEndTest
{
    [Fact]
    public async Task A_new_node_reports_ready_after_lease_route_and_subnet_file()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var daemon = await instance.StartDaemonAsync();
        await daemon.WaitForReadyAsync(Cancel);

        // File and route exist before READY=1.
        var file = await File.ReadAllTextAsync(instance.SubnetFile, Cancel);
        var lease = Assert.Single(await Vpc.LeasesAsync(Cancel));
        var subnet = SubnetOf(lease);
        var route = await RouteAsync(subnet);
        Assert.NotNull(route);
        Assert.Equal(("Available", instance.InstanceId), (route.Status, route.NextHopId));

        Assert.EndsWith(".0/24", subnet, StringComparison.Ordinal);
        Assert.StartsWith("10.24.", subnet, StringComparison.Ordinal);
        var first = subnet.Replace(".0/24", ".1/24", StringComparison.Ordinal);
        var mtu = await InterfaceMtuAsync(instance);
        Assert.Equal($"FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET={first}\nFLANNEL_MTU={mtu}\nFLANNEL_IPMASQ=false\n", file);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            File.GetUnixFileMode(instance.SubnetFile));

        var value = JsonNode.Parse(lease.Value)!.AsObject();
        Assert.Equal(["PublicIP", "PublicIPv6", "BackendType", "BackendData"], value.Select(member => member.Key));
        Assert.Equal((instance.PublicIp, "ali-vpc"), (value["PublicIP"]!.GetValue<string>(), value["BackendType"]!.GetValue<string>()));
        Assert.Null(value["PublicIPv6"]);
        Assert.Equal(TimeSpan.FromHours(24), (await Vpc.Etcd.Keys.TimeToLiveAsync(lease.LeaseId, Cancel)).Granted);
        Assert.Contains(first[..^4], daemon.Notify.First("READY=1")!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_source_destination_check_of_every_node_is_switched_off()
    {
        await StartVpcAsync(3);
        foreach (var instance in Vpc.Instances)
        {
            await instance.StartDaemonAsync();
        }
        foreach (var instance in Vpc.Instances)
        {
            await instance.Daemon!.WaitForReadyAsync(Cancel);
        }
        await Eventually.IsAsync("the check of all interfaces is off", async () =>
            (await Vpc.Control.WatchRoutesAsync(0, Cancel)).Interfaces.All(state => !state.SourceDestCheck), Cancel);
    }

    [Fact]
    public async Task Containers_of_two_nodes_reach_each_other()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        await StartReadyAsync(1);
        await using var one = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var two = await Container.StartAsync(Vpc.Instances[1], Cancel);
        await one.WaitForPingAsync(two.Address, Cancel);
        await two.WaitForPingAsync(one.Address, Cancel);
    }

    [Fact]
    public async Task Concurrent_nodes_get_distinct_subnets()
    {
        const int nodes = 3;
        await StartVpcAsync(nodes, publishConfig: false);
        // The network has exactly three subnets: 10.24.1.0, 10.24.2.0 and 10.24.3.0; the first one is never leased.
        await Vpc.PublishConfigAsync(Cancel, """{"Network":"10.24.0.0/22","SubnetLen":24,"Backend":{"Type":"ali-vpc"}}""");
        await Task.WhenAll(Vpc.Instances.Select(instance => instance.StartDaemonAsync()));
        foreach (var instance in Vpc.Instances)
        {
            await instance.Daemon!.WaitForReadyAsync(Cancel);
        }
        Assert.Equal(["10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24"], (await Vpc.LeasesAsync(Cancel)).Select(SubnetOf));
        Assert.Equal(nodes, (await Vpc.Control.CustomRoutesAsync(Cancel)).Select(entry => entry.NextHopId).Distinct().Count());
    }

    [Fact]
    public async Task No_node_leases_a_subnet_that_overlaps_a_vSwitch()
    {
        await StartVpcAsync(2, publishConfig: false);
        // The published range of an earlier route controller: the vSwitch without the first node.
        await Vpc.Etcd.Keys.PutAsync($"/coreos.com/network/ali-vpc/vswitches/{CloudSetup.VpcId}", "192.168.2.0/24", Cancel);
        // 192.168.1.0/24 and 192.168.2.0/24 are the vSwitches.
        await Vpc.PublishConfigAsync(
            Cancel, """{"Network":"192.168.0.0/21","SubnetMin":"192.168.1.0","SubnetMax":"192.168.4.0","Backend":{"Type":"ali-vpc"}}""");
        foreach (var instance in Vpc.Instances) await instance.StartDaemonAsync();
        foreach (var instance in Vpc.Instances) await instance.Daemon!.WaitForReadyAsync(Cancel);
        Assert.Equal(["192.168.3.0/24", "192.168.4.0/24"], (await Vpc.LeasesAsync(Cancel)).Select(SubnetOf));
        await Eventually.IsAsync("the ranges of both vSwitches are published", async () =>
            (await Vpc.Etcd.Keys.GetAsync($"/coreos.com/network/ali-vpc/vswitches/{CloudSetup.VpcId}", Cancel))?.Value
                == "192.168.1.0/24 192.168.2.0/24", Cancel);
    }

    [Fact]
    public async Task A_hardened_metadata_service_is_read_with_a_token()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), HardenedMetadata = true });
        await StartReadyAsync(0);
    }

    private static async Task<string> InterfaceMtuAsync(EcsInstance instance)
    {
        if (instance.Namespace is null)
        {
            return (await File.ReadAllTextAsync("/sys/class/net/lo/mtu", Cancel)).Trim();
        }
        var link = JsonNode.Parse((await instance.Namespace.ExecAsync("ip", ["-json", "link", "show", "eth0"], Cancel)).Output)!;
        return link[0]!["mtu"]!.GetValue<int>().ToString(CultureInfo.InvariantCulture);
    }
}
