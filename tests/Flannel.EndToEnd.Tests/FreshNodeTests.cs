using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

public sealed class FreshNodeTests : EndToEndTest
{
    [Fact]
    public async Task A_fresh_node_leases_a_subnet_gets_its_route_and_only_then_says_that_it_is_ready()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var daemon = await instance.StartDaemonAsync();
        await daemon.WaitForReadyAsync(Cancel);

        // Before READY=1: the file and the route.
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
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(instance.SubnetFile));

        var value = JsonNode.Parse(lease.Value)!.AsObject();
        Assert.Equal(["PublicIP", "PublicIPv6", "BackendType", "BackendData"], value.Select(member => member.Key));
        Assert.Equal((instance.PublicIp, "ali-vpc"), (value["PublicIP"]!.GetValue<string>(), value["BackendType"]!.GetValue<string>()));
        Assert.Null(value["PublicIPv6"]);
        Assert.Equal(24 * 60 * 60, (await Vpc.Etcd.Keys.TimeToLiveAsync(lease.LeaseId, Cancel)).Granted);
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
        await Eventually.IsAsync("no interface checks any more", async () =>
            (await Vpc.Control.WatchRoutesAsync(0, Cancel)).Interfaces.All(card => !card.SourceDestCheck), Cancel);
    }

    [Fact]
    public async Task Containers_of_two_nodes_reach_each_other()
    {
        await Needs.NamespacesAsync();
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        await StartReadyAsync(1);
        await using var one = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var two = await Container.StartAsync(Vpc.Instances[1], Cancel);
        await one.WaitForPingAsync(two.Address, Cancel);
        await two.WaitForPingAsync(one.Address, Cancel);
    }

    [Fact]
    public async Task Nodes_that_race_for_the_last_subnets_all_get_one_of_their_own()
    {
        const int nodes = 3;
        await StartVpcAsync(nodes, publishConfig: false);
        // Exactly three subnets: 10.24.1.0, 10.24.2.0 and 10.24.3.0 (the first one of a network is never leased).
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
        // As an earlier route controller left it: the range of the vSwitch that the first node is not in.
        await Vpc.Etcd.Keys.PutAsync($"/coreos.com/network/ali-vpc/vswitches/{World.VpcId}", "192.168.2.0/24", Cancel);
        // 192.168.1.0/24 and 192.168.2.0/24 are the vSwitches.
        await Vpc.PublishConfigAsync(
            Cancel, """{"Network":"192.168.0.0/21","SubnetMin":"192.168.1.0","SubnetMax":"192.168.4.0","Backend":{"Type":"ali-vpc"}}""");
        foreach (var instance in Vpc.Instances) await instance.StartDaemonAsync();
        foreach (var instance in Vpc.Instances) await instance.Daemon!.WaitForReadyAsync(Cancel);
        Assert.Equal(["192.168.3.0/24", "192.168.4.0/24"], (await Vpc.LeasesAsync(Cancel)).Select(SubnetOf));
        await Eventually.IsAsync("the ranges of both vSwitches are published", async () =>
            (await Vpc.Etcd.Keys.GetAsync($"/coreos.com/network/ali-vpc/vswitches/{World.VpcId}", Cancel))?.Value == "192.168.1.0/24 192.168.2.0/24", Cancel);
    }

    [Fact]
    public async Task A_metadata_service_that_wants_tokens_is_served_with_tokens()
    {
        await StartVpcAsync(1, new World { Instances = World.MakeInstances(1), HardenedMetadata = true });
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
