using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The lease of a node is its podCIDR.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class NodeTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    [Fact]
    public async Task A_new_node_writes_annotations_then_waits_for_its_route_then_is_ready_then_reports_the_condition()
    {
        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, ["vpc:CreateRouteEntry", "vpc:CreateRouteEntries"], Cancel);
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));
        var instance = Vpc.Instances[0];
        var daemon = await instance.StartDaemonAsync();

        await daemon.WaitForLogAsync($"route of {SubnetOf(0)}: Denied", Cancel, LongLimit);
        Assert.Equal("ali-vpc", await AnnotationAsync(0, "backend-type"));
        Assert.Equal("true", await AnnotationAsync(0, "kube-subnet-manager"));
        Assert.Equal(instance.PublicIp, await AnnotationAsync(0, "public-ip"));
        var data = JsonNode.Parse((await AnnotationAsync(0, "backend-data"))!)!;
        Assert.Equal(instance.InstanceId, data["InstanceId"]!.GetValue<string>());
        Assert.Null(await AnnotationAsync(0, "public-ipv6"));
        await WaitForConditionAsync(0, "True NoRouteCreated");
        Assert.False(daemon.IsReady);
        Assert.False(File.Exists(instance.SubnetFile));

        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], Cancel);
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        // File and route exist before READY=1.
        Assert.Equal(TestVpc.SubnetEnv("10.24.1.1/24"), await File.ReadAllTextAsync(instance.SubnetFile, Cancel));
        var route = await RouteAsync(SubnetOf(0));
        Assert.Equal(("Available", instance.InstanceId), (route?.Status, route?.NextHopId));
        await WaitForConditionAsync(0, FlannelIsUp);
        var condition = await Admin.ConditionAsync(Cluster.NameOf(0), "NetworkUnavailable", Cancel);
        Assert.Equal("Flannel is running on this node", condition!["message"]!.GetValue<string>());
        await daemon.WaitForLogAsync("has condition NetworkUnavailable=False", Cancel);
        var log = daemon.StandardError;
        Assert.True(
            log.IndexOf("node is ready: ", StringComparison.Ordinal)
                < log.IndexOf("has condition NetworkUnavailable=False", StringComparison.Ordinal), log);
    }

    [Fact]
    public async Task Containers_of_two_nodes_reach_each_other_also_across_vSwitches()
    {
        await Task.WhenAll(StartReadyAsync(0), StartReadyAsync(2));
        await using var one = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var two = await Container.StartAsync(Vpc.Instances[2], Cancel);
        Assert.Equal(("10.24.1.2", "10.24.3.2"), (one.Address, two.Address));
        await one.WaitForPingAsync(two.Address, Cancel);
        await two.WaitForPingAsync(one.Address, Cancel);
    }

    [Fact]
    public async Task A_restarted_node_calls_no_API_of_the_cloud_and_writes_nothing_to_its_Node()
    {
        await StartReadyAsync(0);
        // The calls of a node that is never the controller can be distinguished from those of the controller.
        var first = await StartReadyAsync(1, NeverController);
        await WaitForConditionAsync(1, FlannelIsUp);
        Assert.Equal(0, await first.StopAsync(Cancel));
        await Vpc.Control.ClearCallsAsync(Cancel);
        var before = await VersionAsync(1);

        var second = await StartAgainAsync(1, NeverController);

        Assert.DoesNotContain(await Vpc.Control.ApiCallsAsync(Cancel), call => call.InstanceId == Vpc.Instances[1].InstanceId);
        Assert.Equal(0, await second.StopAsync(Cancel));
        Assert.Equal(before, await VersionAsync(1));
    }

    [Fact]
    public async Task A_node_without_a_podCIDR_waits_and_says_who_assigns_one()
    {
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForLogAsync($"node {Cluster.NameOf(0)} does not exist: start its kubelet", Cancel);
        await Cluster.CreateNodeAsync(0, Cancel);
        await daemon.WaitForLogAsync(
            $"node {Cluster.NameOf(0)} has no podCIDR: start kube-controller-manager with --allocate-node-cidrs=true", Cancel, LongLimit);
        Assert.False(daemon.IsReady);

        await AssignAsync(0, SubnetOf(0));
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        Assert.Equal(1, CountInLog(daemon, "has no podCIDR"));
    }

    [Fact]
    public async Task A_podCIDR_outside_Network_is_not_used_until_the_configuration_has_it()
    {
        await Cluster.CreateNodeAsync(0, Cancel, "10.25.1.0/24");
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForLogAsync(
            $"node {Cluster.NameOf(0)} has podCIDR 10.25.1.0/24, which is outside Network {TestVpc.Network}", Cancel);
        Assert.Null(await AnnotationAsync(0, "backend-type"));
        Assert.Empty(await Vpc.Control.CustomRoutesAsync(Cancel));

        await Cluster.WriteNetConfAsync(TestVpc.Config.Replace(TestVpc.Network, "10.24.0.0/15", StringComparison.Ordinal), Cancel);
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForRouteAsync("10.25.1.0/24", 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_podCIDRs_of_a_dual_stack_node_are_used_in_either_order(bool isIpv4First)
    {
        await Vpc.Control.SetIpv6Async("2408:4005:300::/56", Cancel);
        var facts = Vpc.Instances[0].Facts;
        await Vpc.Control.SetIpv6AddressesAsync(facts.NetworkInterfaceId, ["2408:4005:300::11"], Cancel);
        await Vpc.Instances[0].Namespace!.IpAsync(Cancel, "address replace 2408:4005:300::11/64 dev eth0 nodad");
        await Cluster.WriteNetConfAsync(
            $$$"""{"Network":"{{{TestVpc.Network}}}","EnableIPv6":true,"IPv6Network":"fd00:24::/48","Backend":{"Type":"ali-vpc"}}""",
            Cancel);
        string[] cidrs = [SubnetOf(0), "fd00:24:0:1::/64"];
        await Cluster.CreateNodeAsync(0, Cancel, isIpv4First ? cidrs : [cidrs[1], cidrs[0]]);

        await StartAgainAsync(0);

        await WaitForRouteAsync(SubnetOf(0), 0);
        await WaitForRouteAsync("fd00:24:0:1::/64", 0);
        var file = await Vpc.Instances[0].ReadSubnetFileAsync(Cancel);
        Assert.Equal(("10.24.1.1/24", "fd00:24:0:1::1/64"), (file!["FLANNEL_SUBNET"], file["FLANNEL_IPV6_SUBNET"]));
        Assert.Equal("2408:4005:300::11", await AnnotationAsync(0, "public-ipv6"));
    }

    [Fact]
    public async Task A_Node_of_another_instance_is_not_used()
    {
        await Admin.CreateNodeAsync(
            new KubeNode(Cluster.NameOf(0), SubnetOf(0)) { ProviderId = "alicloud://cn-hangzhou.i-bp1other" }, Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await Eventually.IsAsync(
            "the contradiction is reported",
            () => Task.FromResult(daemon.AllOutput.Contains(
                $"node {Cluster.NameOf(0)} is instance i-bp1other by its providerID, and {Vpc.Instances[0].InstanceId} by the metadata service",
                StringComparison.Ordinal)),
            Cancel, context: () => daemon.AllOutput);
        Assert.Null(await AnnotationAsync(0, "backend-type"));
        Assert.False(daemon.IsReady);
    }

    [Fact]
    public async Task A_changed_net_conf_is_reported_and_harms_no_running_node()
    {
        var daemon = await StartReadyAsync(0, QuickResync);
        var route = await WaitForRouteAsync(SubnetOf(0), 0);
        var file = await File.ReadAllTextAsync(Vpc.Instances[0].SubnetFile, Cancel);
        await Vpc.Control.ClearCallsAsync(Cancel);

        await Cluster.WriteNetConfAsync(TestVpc.Config.Replace("10.24.0.0", "10.99.0.0", StringComparison.Ordinal), Cancel);
        await daemon.WaitForLogAsync("the network configuration ", Cancel);
        await Cluster.WriteNetConfAsync("{", Cancel);
        await daemon.WaitForLogAsync("invalid", Cancel);
        // The route table has been read several times since then.
        await Eventually.IsAsync("the route table is read", async () =>
            (await Vpc.Control.ApiCallsAsync(Cancel)).Count(call => call.Action == "DescribeRouteEntryList") >= 3, Cancel);

        Assert.Equal(route, await RouteAsync(SubnetOf(0)));
        Assert.Equal(file, await File.ReadAllTextAsync(Vpc.Instances[0].SubnetFile, Cancel));
        Assert.Empty(await WritesAsync());
        Assert.False(daemon.HasExited);
    }

    /// <summary>Assigns podCIDRs, as the controller manager does.</summary>
    private Task<JsonNode> AssignAsync(int instance, params string[] cidrs) => Admin.PatchNodeAsync(
        Cluster.NameOf(instance),
        new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["podCIDR"] = cidrs[0],
                ["podCIDRs"] = new JsonArray([.. cidrs.Select(cidr => JsonValue.Create(cidr))]),
            },
        }, Cancel);

    private async Task<string> VersionAsync(int instance) =>
        (await Admin.NodeAsync(Cluster.NameOf(instance), Cancel))["metadata"]!["resourceVersion"]!.GetValue<string>();
}
