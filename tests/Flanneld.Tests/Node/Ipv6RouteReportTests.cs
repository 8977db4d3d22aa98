using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Node;
using Flanneld.Observability.Prometheus;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Node;

public sealed class Ipv6RouteReportTests
{
    private const string Ipv6Subnet = "fd00:24:0:5::/64";

    [Theory]
    [InlineData(RouteState.Available, "", "fd00:24:0:5::/64 Available")]
    [InlineData(RouteState.Rejected, "no IPv6", "fd00:24:0:5::/64 Rejected: no IPv6")]
    public void The_state_is_a_line_of_the_readiness_and_never_makes_the_node_unready(RouteState state, string message, string detail)
    {
        var check = NodeStatus.Checks(StateWith(state, message)).Single(check => check.Name == "route-ipv6");
        Assert.Equal((true, detail), (check.Ok, check.Detail));
        var without = NodeStatus.Checks(StateWith(null)).Where(check => check.Name != "route-ipv6");
        Assert.Equal(without, NodeStatus.Checks(StateWith(state, message)).Where(check => check.Name != "route-ipv6"));
    }

    [Fact]
    public void Without_a_status_the_node_waits_and_without_an_IPv6_subnet_or_route_there_is_no_line()
    {
        Assert.Equal("waiting for the route controller", Ipv6RouteReport.Check(StateWith(null))!.Detail);
        Assert.Null(Ipv6RouteReport.Check(StateWith(RouteState.Available) with { InstanceId = null }));
        Assert.Null(Ipv6RouteReport.Check(StateWith(RouteState.Available) with { Lease = Held(null) }));
        Assert.Null(Ipv6RouteReport.Check(NodeState.Initial));
    }

    [Fact]
    public void A_change_is_logged_once_and_a_failure_is_a_warning()
    {
        var log = new RecordingLogger();
        var rejected = StateWith(RouteState.Rejected, "no IPv6");
        Ipv6RouteReport.Log(log, null, rejected);
        Ipv6RouteReport.Log(log, rejected.Route, rejected);
        Ipv6RouteReport.Log(log, rejected.Route, StateWith(null));
        Ipv6RouteReport.Log(log, rejected.Route, StateWith(RouteState.Available));
        Assert.Equal(
            [
                (LogLevel.Warning, "IPv6 route of fd00:24:0:5::/64: Rejected: no IPv6 (request id R-6); IPv4 is not concerned"),
                (LogLevel.Information, "IPv6 route of fd00:24:0:5::/64: Available"),
            ], log.Lines.Select(line => (line.Level, line.Text)));
    }

    [Fact]
    public void The_metric_has_one_for_the_current_state()
    {
        var text = new MetricText();
        Ipv6RouteReport.AppendMetrics(text, StateWith(RouteState.Rejected));
        var lines = text.ToString().Split('\n');
        Assert.Contains("flannel_ipv6_route_state{state=\"Rejected\"} 1", lines);
        Assert.Contains("flannel_ipv6_route_state{state=\"Available\"} 0", lines);
        text = new MetricText();
        Ipv6RouteReport.AppendMetrics(text, StateWith(RouteState.Rejected) with { InstanceId = null });
        Assert.Equal("", text.ToString());
    }

    private static NodeState StateWith(RouteState? ipv6, string message = "") => NodeState.Initial with
    {
        LeaseState = LeaseState.Confirmed,
        Lease = Held(Ipv6Network.Parse(Ipv6Subnet)),
        InstanceId = "i-1",
        Route = new RouteStatus("10.24.5.0/24", "i-1", ["vtb-1"], RouteState.Available, "", "R-4", default)
        {
            Ipv6 = ipv6 is { } state ? new Ipv6RouteStatus(Ipv6Subnet, state, message, "R-6") : null,
        },
        IsRouteRead = true,
    };

    private static Lease Held(Ipv6Network? ipv6) => new(
        new SubnetKey(Ipv4Network.Parse("10.24.5.0/24"), ipv6),
        new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null), new TestLeaseIdentity(10, 7), 10);
}
