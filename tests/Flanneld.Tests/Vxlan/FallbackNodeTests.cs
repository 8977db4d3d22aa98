using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Node;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Vxlan;

/// <summary>The life of a node with backend ali-vpc and the fallback vxlan, on a simulated host.</summary>
public sealed class FallbackNodeTests : TunnelNodeTest
{
    private const string Config = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","Fallback":"vxlan"}}""";
    private const string RouteToPeer = "route replace 10.24.77.0/24 via 10.24.77.0 dev flannel.1 onlink proto 142";

    private TestNode? started;

    public FallbackNodeTests() : base(Config) => Subnets.WriteLease("10.24.77.0/24", new LeaseAttributes(
        Ipv4Address.Parse("192.168.1.77"), null, "ali-vpc", """{"InstanceId":"i-77","VNI":1,"VtepMAC":"0e:00:00:00:00:77"}""", null));

    private TestNode Node => started!;

    private string RouteDetail => NodeStatus.Checks(Node.State)[1].Detail;

    [Fact]
    public async Task The_device_exists_before_the_lease_and_the_file_waits_for_the_route_or_the_fallback()
    {
        await StartAsync();
        Assert.StartsWith("link add flannel.1 address ", Commands.Lines[0], StringComparison.Ordinal);
        Assert.Contains($"\"VtepMAC\":\"{Commands.Lines[0].Split(' ')[4]}\"", OwnLease.Attributes.BackendData, StringComparison.Ordinal);
        Publish(RouteState.Pending);
        await Node.UntilAsync("reads it", () => Node.State.Route?.State == RouteState.Pending);
        await Node.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.False(Node.HasFile);

        Publish(RouteState.QuotaExceeded);
        await Node.UntilAsync("is ready", () => Node.IsReady);
        Assert.StartsWith("QuotaExceeded in vtb-1: full", RouteDetail, StringComparison.Ordinal);
        Assert.EndsWith("; reached through the VXLAN tunnel", RouteDetail, StringComparison.Ordinal);
        await Node.UntilAsync("reaches the peer through the tunnel", () => Commands.Lines.Contains(RouteToPeer));
        var file = await File.ReadAllTextAsync(Node.SubnetPath, TestContext.Current.CancellationToken);
        Assert.Contains("FLANNEL_MTU=1450\n", file, StringComparison.Ordinal);
        Assert.Single(Node.Log.Lines, line => line.EventId == 1134);

        Publish(RouteState.Pending);
        await Node.UntilAsync("reads it", () => Node.State.Route?.State == RouteState.Pending);
        await Node.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.True(Node.IsReady && Node.HasFile);
        Publish(RouteState.Available);
        await Node.UntilAsync("has its route", () => Node.Log.Has(1135));
        Assert.True(Node.IsReady && Node.HasFile);
        Assert.Equal("Available in vtb-1: full", RouteDetail);
    }

    [Fact]
    public async Task A_peer_is_reached_through_the_tunnel_while_its_route_cannot_be_created()
    {
        await StartAsync();
        Publish(RouteState.Available);
        await Node.UntilAsync("is ready", () => Node.IsReady);
        Assert.DoesNotContain(RouteToPeer, Commands.Lines);
        Subnets.PublishRouteStatus(Status("10.24.77.0/24", "i-77", RouteState.Conflict));
        await Node.UntilAsync("reaches the peer through the tunnel", () => Commands.Lines.Contains(RouteToPeer));
        await Node.UntilAsync("counts it", () => Node.State.TunnelPeers == 1);
        Subnets.PublishRouteStatus(Status("10.24.77.0/24", "i-77", RouteState.Available));
        await Node.UntilAsync("counts none", () => Node.State.TunnelPeers == 0);
        // A change of a status is no repair.
        Assert.False(Node.Log.Has(1153));
        Assert.False(Node.Log.Has(1134));
    }

    [Fact]
    public async Task The_file_waits_for_the_device()
    {
        Commands.OnCommand = () => Commands.Error = Subnets.Leases.Count > 1 ? "ip failed" : null;
        await StartAsync();
        Publish(RouteState.QuotaExceeded);
        await Node.UntilAsync("reports it", () => Node.Log.Has(1154) && Node.State.IsInFallback);
        await Node.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.False(Node.HasFile);
        Commands.OnCommand = null;
        Commands.Error = null;
        await Node.UntilAsync("is ready", () => Node.IsReady);
    }

    [Fact]
    public async Task A_host_that_cannot_have_the_device_gets_no_lease()
    {
        Commands.Error = "backend vxlan needs CAP_NET_ADMIN";
        started = StartNode(new KnownIdentity());
        Assert.Equal("backend vxlan needs CAP_NET_ADMIN", await Node.EndAsync());
        Assert.Single(Subnets.Leases);
    }

    /// <summary>A new route controller publishes such states until the API has responded. The peers keep the tunnel to this node.</summary>
    [Theory]
    [InlineData(RouteState.Pending)]
    [InlineData(RouteState.Unreachable)]
    public async Task A_restart_in_fallback_keeps_the_file_while_the_route_status_says_nothing(RouteState state)
    {
        await StartAsync();
        Publish(RouteState.QuotaExceeded);
        await Node.UntilAsync("is ready", () => Node.IsReady);
        await StopAsync(Node);
        Publish(state);
        await StartAsync();
        await Node.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.True(Node.HasFile);
        Publish(RouteState.QuotaExceeded);
        await Node.UntilAsync("is ready", () => Node.IsReady);
    }

    private async Task StartAsync()
    {
        started = StartNode(new KnownIdentity());
        await Node.UntilAsync("waits for its route", () => Node.State.IsRouteRead);
    }

    private void Publish(RouteState state) => Subnets.PublishRouteStatus(Status(OwnLease.Subnet.ToString(), "i-1", state));

    private static RouteStatus Status(string subnet, string instance, RouteState state) =>
        new(subnet, instance, ["vtb-1"], state, "full", "", default);
}
