using System.Diagnostics;
using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The route controller, elected by a Lease.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class ControllerTests(SharedKubeCluster shared) : KubernetesTest(shared)
{
    [Fact]
    public async Task The_route_of_a_deleted_Node_is_deleted_and_no_other()
    {
        await StartReadyAsync(0, QuickResync);
        await StartReadyAsync(1, QuickResync);
        var daemon = await StartReadyAsync(2, QuickResync);
        var kept = await WaitForRouteAsync(SubnetOf(1), 1);
        await Vpc.Control.ClearCallsAsync(Cancel);

        await Admin.DeleteNodeAsync(Cluster.NameOf(2), Cancel);

        await WaitForNoRouteAsync(SubnetOf(2));
        Assert.Equal(kept, await RouteAsync(SubnetOf(1)));
        Assert.NotNull(await RouteAsync(SubnetOf(0)));
        Assert.Single(await WritesAsync());
        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.False(File.Exists(Vpc.Instances[2].SubnetFile));
        Assert.Contains($"node {Cluster.NameOf(2)} was deleted", daemon.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_kill_of_the_controller_another_node_creates_routes_and_the_two_never_write_at_the_same_time()
    {
        await StartReadyAsync(0, QuickResync);
        await StartReadyAsync(1, QuickResync);
        var old = await WaitForControllerAsync();
        var next = Vpc.Instances.Take(2).Single(instance => instance != old);

        await old.Daemon!.KillAsync(Cancel);
        await WaitForControllerAsync(instance => instance != old);
        await StartReadyAsync(2, [.. QuickResync, "--route-controller=never"]);

        await WaitForRouteAsync(SubnetOf(2), 2);
        Assert.Equal([old.InstanceId, next.InstanceId], await WritersAsync());
    }

    [Fact]
    public async Task The_standby_replaces_a_stopped_controller_before_its_Lease_expires()
    {
        await StartReadyAsync(0, QuickResync);
        await StartReadyAsync(1, QuickResync);
        var old = await WaitForControllerAsync();
        // A node becomes the standby 30 to 60 s after the election.
        await Eventually.IsAsync("there is a standby", async () => await StandbyAsync() is not null, Cancel, TimeSpan.FromMinutes(3));
        var standby = await StandbyAsync();
        Assert.NotEqual(old.InstanceId, standby);
        var lease = await Admin.LeaseAsync(KubeCluster.Namespace, KubeCluster.ElectionLease, Cancel);
        var duration = TimeSpan.FromSeconds(lease!["spec"]!["leaseDurationSeconds"]!.GetValue<int>());

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await old.Daemon!.StopAsync(Cancel));
        var next = await WaitForControllerAsync(instance => instance != old);

        var took = Stopwatch.GetElapsedTime(started);
        Assert.True(took < duration / 2, $"the next controller was elected after {took}; the Lease has a duration of {duration}");
        Assert.Equal(standby, next.InstanceId);
        await StartReadyAsync(2, [.. QuickResync, "--route-controller=never"]);
        Assert.Equal([old.InstanceId, next.InstanceId], await WritersAsync());
    }

    [Fact]
    public async Task Excluded_and_virtual_nodes_and_those_of_other_backends_are_left_alone()
    {
        await CreateExcludedNodeAsync("excluded", "10.24.50.0/24", "service.alibabacloud.com/exclude-node", "true");
        await CreateExcludedNodeAsync("virtual", "10.24.51.0/24", "type", "virtual-kubelet");
        await Admin.CreateNodeAsync(new KubeNode("tunnel", "10.24.52.0/24")
        {
            Annotations = Annotations("vxlan", """{"VNI":1,"VtepMAC":"0e:00:00:00:00:01"}"""),
        }, Cancel);
        await Admin.CreateNodeAsync(new KubeNode("contradicting", "10.24.53.0/24")
        {
            ProviderId = "alicloud://cn-hangzhou.i-bp1other",
            Annotations = Annotations("ali-vpc", BackendData(2)),
        }, Cancel);
        // Another tool has created it.
        await Vpc.Control.CreateRouteAsync("10.24.50.0/24", Vpc.Instances[2].InstanceId, Cancel, name: "of another tool");
        var before = await RouteAsync("10.24.50.0/24");

        var daemon = await StartReadyAsync(0, QuickResync);
        await WaitForRepairAsync(0);

        Assert.Equal(before, await RouteAsync("10.24.50.0/24"));
        Assert.Equal(
            new[] { SubnetOf(0), "10.24.50.0/24" }.Order(StringComparer.Ordinal),
            (await Vpc.Control.CustomRoutesAsync(Cancel)).Select(entry => entry.DestinationCidrBlock).Order(StringComparer.Ordinal));
        await daemon.WaitForLogAsync("node contradicting is instance i-bp1other by its providerID", Cancel);
    }

    private async Task<string?> StandbyAsync()
    {
        var lease = await Admin.LeaseAsync(KubeCluster.Namespace, KubeCluster.ElectionLease, Cancel);
        var standby = lease?["metadata"]!["annotations"]?[KubeCluster.StandbyAnnotation]?.GetValue<string>();
        return standby is null ? null : JsonNode.Parse(standby)!["InstanceId"]!.GetValue<string>();
    }

    private Task<JsonNode> CreateExcludedNodeAsync(string name, string cidr, string label, string value) => Admin.CreateNodeAsync(
        new KubeNode(name, cidr)
        {
            Labels = new Dictionary<string, string> { [label] = value },
            Annotations = Annotations("ali-vpc", BackendData(2)),
        }, Cancel);

    private static Dictionary<string, string> Annotations(string backend, string data) => new()
    {
        [$"{KubeCluster.Prefix}kube-subnet-manager"] = "true",
        [$"{KubeCluster.Prefix}backend-type"] = backend,
        [$"{KubeCluster.Prefix}backend-data"] = data,
        [$"{KubeCluster.Prefix}public-ip"] = "192.168.1.99",
    };

    private string BackendData(int instance)
    {
        var facts = Vpc.Instances[instance].Facts;
        return new JsonObject
        {
            ["RegionId"] = CloudSetup.RegionId,
            ["VpcId"] = CloudSetup.VpcId,
            ["VSwitchId"] = facts.VSwitchId,
            ["InstanceId"] = facts.InstanceId,
            ["NetworkInterfaceId"] = facts.NetworkInterfaceId,
            ["PrimaryInterface"] = true,
        }.ToJsonString();
    }

    /// <summary>The instances that wrote routes, in order, without repetitions in a row: an instance that writes after its successor is
    /// there twice.</summary>
    private async Task<IReadOnlyList<string>> WritersAsync()
    {
        var writers = new List<string>();
        foreach (var call in await WritesAsync())
        {
            if (writers.Count == 0 || writers[^1] != call.InstanceId) writers.Add(call.InstanceId!);
        }
        return writers;
    }
}
