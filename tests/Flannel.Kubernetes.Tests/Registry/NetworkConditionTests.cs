using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class NetworkConditionTests : IDisposable
{
    private readonly KubeFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task The_condition_is_upstreams_and_is_written_once()
    {
        await fixture.HoldAsync();
        await ReportAsync();
        Assert.Equal(
            new NodeCondition(false, "FlannelIsUp", "Flannel is running on this node", fixture.Node.NetworkUnavailable!.LastTransition),
            fixture.Node.NetworkUnavailable);
        await ReportAsync();
        Assert.Equal(2, fixture.Patches.Count());
    }

    [Theory]
    [InlineData(true, "NoRouteCreated", "", true)]
    [InlineData(false, "RouteCreated", "Route to 10.24.5.0/24 is available", true)]
    [InlineData(false, "RouteCreated", "RouteController created a route", false)]
    [InlineData(false, "FlannelIsUp", "", false)]
    [InlineData(false, "CalicoIsUp", "", true)]
    public async Task The_condition_of_the_route_controller_is_replaced_and_that_of_a_cloud_controller_manager_stays(
        bool isTrue, string reason, string message, bool isWritten)
    {
        fixture.Server.CreateNode(new KubeNode("n1", "", "")
        {
            PodCidrs = [KubeFixture.Subnet],
            NetworkUnavailable = new NodeCondition(isTrue, reason, message, default),
        });
        await fixture.AcquireAsync();
        await ReportAsync();
        Assert.Equal(isWritten ? "FlannelIsUp" : reason, fixture.Node.NetworkUnavailable!.Reason);
        Assert.False(fixture.Node.NetworkUnavailable.IsTrue);
    }

    [Fact]
    public async Task A_failure_is_the_callers_to_retry()
    {
        await fixture.HoldAsync();
        fixture.Api.FailNext(ModelFault.Unavailable);
        await Assert.ThrowsAsync<KubeException>(ReportAsync);
        await ReportAsync();
        Assert.Equal("FlannelIsUp", fixture.Node.NetworkUnavailable?.Reason);
    }

    [Fact]
    public async Task The_condition_of_a_node_that_was_created_again_is_written()
    {
        await fixture.HoldAsync();
        fixture.Server.RecreateNode("n1", KubeFixture.Subnet);
        await ReportAsync();
        Assert.Equal("FlannelIsUp", fixture.Node.NetworkUnavailable?.Reason);
        fixture.Server.DeleteNode("n1");
        await ReportAsync();
    }

    [Fact]
    public async Task Nothing_is_written_if_the_flag_says_so()
    {
        await fixture.HoldAsync();
        var manager = fixture.CreateManager(
            new KubeSubnetManagerOptions { NodeName = KubeFixture.NodeName, SetNodeNetworkUnavailable = false });
        await manager.ReportReadyAsync(TestContext.Current.CancellationToken);
        Assert.Null(fixture.Node.NetworkUnavailable);
    }

    private Task ReportAsync() => fixture.Manager.ReportReadyAsync(TestContext.Current.CancellationToken);
}
