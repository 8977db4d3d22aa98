using System.Text.Json.Nodes;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The route controller, elected by a Lease.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class ControllerTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    /// <summary>Of no instance.</summary>
    private const string OtherIp = "192.168.1.99";

    [Fact]
    public async Task The_route_of_a_deleted_Node_is_deleted_and_no_other()
    {
        var nodes = await Task.WhenAll(
            StartReadyAsync(0, QuickResync), StartReadyAsync(1, NeverController), StartReadyAsync(2, NeverController));
        var daemon = nodes[2];
        var kept = await WaitForRouteAsync(SubnetOf(1), 1);
        await Vpc.Control.ClearCallsAsync(Cancel);

        await Admin.DeleteNodeAsync(Cluster.NameOf(2), Cancel);

        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.False(File.Exists(Vpc.Instances[2].SubnetFile));
        Assert.Contains($"node {Cluster.NameOf(2)} was deleted", daemon.StandardError, StringComparison.Ordinal);
        // The route controller waits a minute: the Node may be created again.
        await WaitForNoRouteAsync(SubnetOf(2));
        Assert.Equal(kept, await RouteAsync(SubnetOf(1)));
        Assert.NotNull(await RouteAsync(SubnetOf(0)));
        Assert.Single(await WritesAsync());
    }

    [Fact]
    public async Task Excluded_and_virtual_nodes_and_those_of_other_backends_are_left_alone()
    {
        await CreateExcludedNodeAsync("excluded", "10.24.50.0/24", "service.alibabacloud.com/exclude-node", "true");
        await CreateExcludedNodeAsync("virtual", "10.24.51.0/24", "type", "virtual-kubelet");
        await Admin.CreateNodeAsync(new KubeNode("tunnel", "10.24.52.0/24")
        {
            Annotations = Annotations("vxlan", """{"VNI":1,"VtepMAC":"0e:00:00:00:00:01"}""", OtherIp),
        }, Cancel);
        await Admin.CreateNodeAsync(new KubeNode("contradicting", "10.24.53.0/24")
        {
            ProviderId = "alicloud://cn-hangzhou.i-bp1other",
            Annotations = Annotations("ali-vpc", BackendDataOf(2), OtherIp),
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

    private Task<JsonNode> CreateExcludedNodeAsync(string name, string cidr, string label, string value) => Admin.CreateNodeAsync(
        new KubeNode(name, cidr)
        {
            Labels = new Dictionary<string, string> { [label] = value },
            Annotations = Annotations("ali-vpc", BackendDataOf(2), OtherIp),
        }, Cancel);
}
