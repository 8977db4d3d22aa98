using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Output;
using Flanneld.Commands.Status;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.Status;

public sealed class NodeDescriptionTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private static readonly Ipv4Address Address = Ipv4Address.Parse("192.168.1.5");
    private static readonly SelectedInterface Selected =
        new(new HostInterface("eth0", "00:16:3e:00:00:01", 1500, [Address]), Address, Address);

    [Fact]
    public void A_usable_subnet_has_no_problem()
    {
        var node = Node(Route(RouteState.Available, ""));
        Assert.Null(node.FindProblem());
        Assert.Equal(
            """
            node              192.168.1.5 on eth0, MTU 1500
            daemon            ready
            lease             10.24.5.0/24, backend ali-vpc, instance i-a, expires 2026-11-28T23:00:00Z
            route             Available in vtb-a since 2026-11-27T00:00:00Z (request R-1)
            route controller  i-b (192.168.1.6)
            subnet file       /run/flannel/subnet.env: 10.24.5.0/24
            subnet usable     yes

            """,
            node.ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Table));
    }

    [Fact]
    public void A_route_that_is_missing_says_why()
    {
        Assert.Equal(
            "the route of 10.24.5.0/24 is QuotaExceeded: the table is full", Node(Route(RouteState.QuotaExceeded, "the table is full")).FindProblem());
        Assert.Equal("the route of 10.24.5.0/24 is not created yet", Node(null).FindProblem());
    }

    [Fact]
    public void A_backend_without_routes_requires_no_route() =>
        Assert.Null((Node(null) with { Cluster = new NodeInCluster(Lease(null, "alloc", null), null) }).FindProblem());

    [Theory]
    [InlineData(RouteState.QuotaExceeded, true)]
    [InlineData(RouteState.Rejected, false)]
    public void With_a_fallback_a_route_that_cannot_be_created_is_no_problem(RouteState state, bool isInFallback)
    {
        var cluster = new NodeInCluster(
            Lease(Route(state, "why"), "ali-vpc", """{"InstanceId":"i-a","VpcId":"vpc-a","VNI":1,"VtepMAC":"0e:00:00:00:00:01"}"""), null);
        var node = Node(null) with { Cluster = cluster };
        Assert.Equal(isInFallback, node.FindProblem() is null);
        var text = node.ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Table);
        Assert.Equal(isInFallback, text.Contains("; reached through the VXLAN tunnel\n", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_of_another_subnet_is_a_problem() => Assert.Equal(
        "subnet.env does not name the subnet of the lease",
        (Node(Route(RouteState.Available, "")) with { FileSubnet = Ipv4Network.Parse("10.24.6.0/24") }).FindProblem());

    [Fact]
    public void A_stopped_daemon_is_a_problem() => Assert.Equal(
        "no daemon runs, and nothing renews the lease",
        (Node(Route(RouteState.Available, "")) with { Daemon = new("stopped", "") }).FindProblem());

    [Fact]
    public void Without_etcd_the_rest_is_shown()
    {
        var node = Node(null) with { Cluster = Result.Failure("etcd: unavailable") };
        Assert.Null(node.FindProblem());
        Assert.Equal("etcd: unavailable", (node with { Daemon = new("waiting", "lease failed") }).FindProblem());
        var text = node.ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Table);
        Assert.Contains("lease             unknown: etcd: unavailable\n", text, StringComparison.Ordinal);
        Assert.Contains("subnet file       /run/flannel/subnet.env: 10.24.5.0/24\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_json_has_the_documented_fields() => Assert.Equal(
        """
        {
          "apiVersion": "flanneld/v1",
          "kind": "NodeStatus",
          "ready": true,
          "reason": "",
          "node": {
            "publicIP": "192.168.1.5",
            "interface": "eth0",
            "mtu": 1500
          },
          "daemon": {
            "state": "ready",
            "detail": "",
            "changedSettings": null
          },
          "lease": {
            "subnet": "10.24.5.0/24",
            "publicIP": "192.168.1.5",
            "ipv6Subnet": null,
            "publicIPv6": null,
            "backend": "ali-vpc",
            "instanceId": "i-a",
            "reservation": false,
            "expires": "2026-11-28T23:00:00Z",
            "route": {
              "state": "Available",
              "tables": [
                "vtb-a"
              ],
              "message": "",
              "requestId": "R-1",
              "since": "2026-11-27T00:00:00Z",
              "tableStates": [
                {
                  "table": "vtb-a",
                  "state": "Available",
                  "code": "",
                  "requestId": "",
                  "message": ""
                }
              ],
              "ipv6": null
            },
            "fallback": false
          },
          "controller": {
            "instanceId": "i-b",
            "publicIP": "192.168.1.6"
          },
          "candidates": [],
          "subnetFile": {
            "path": "/run/flannel/subnet.env",
            "subnet": "10.24.5.0/24"
          },
          "errors": []
        }

        """,
        Node(Route(RouteState.Available, "")).ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Json));

    [Fact]
    public void The_errors_are_those_of_the_daemon_and_of_both_routes()
    {
        var route = Route(RouteState.QuotaExceeded, "the table is full") with
        {
            Ipv6 = new Ipv6RouteStatus("fd00::/64", RouteState.Rejected, "no IPv6", "R-2"),
        };
        var node = Node(route) with { Daemon = new("waiting", "route failed: full") { Failures = ["route failed: full"] } };
        Assert.Equal(
            [
                new("daemon", "route failed: full"), new("route", "QuotaExceeded in vtb-a: the table is full (request R-1)"),
                new NodeError("ipv6-route", "Rejected: no IPv6 (request R-2)"),
            ],
            node.FindErrors());
        Assert.Equal(
            [new NodeError("etcd", "etcd: unavailable")], (node with
            {
                Daemon = new("stopped", ""),
                Cluster = Result.Failure("etcd: unavailable"),
            }).FindErrors());
    }

    [Fact]
    public void Settings_that_changed_since_the_start_of_the_daemon_are_one_line()
    {
        var daemon = new DaemonState("ready", "")
        {
            ChangedSettings = ["FLANNELD_ETCD_ENDPOINTS changed in /etc/default/flanneld", "--iface changed in flanneld.service"],
        };
        var document = (Node(Route(RouteState.Available, "")) with { Daemon = daemon }).ToDocument("/run/flannel/subnet.env", Now);
        Assert.Contains(
            "settings          the daemon runs with other settings than its service has now: FLANNELD_ETCD_ENDPOINTS changed in"
            + " /etc/default/flanneld; --iface changed in flanneld.service; restart it\n",
            document.Format(OutputFormat.Table), StringComparison.Ordinal);
        Assert.Contains(
            "\"changedSettings\": [\n      \"FLANNELD_ETCD_ENDPOINTS changed in /etc/default/flanneld\",",
            document.Format(OutputFormat.Json), StringComparison.Ordinal);
    }

    [Fact]
    public void The_states_by_table_are_a_table_with_code_and_request()
    {
        TableRouteStatus available = new("vtb-a", RouteState.Available, "", "", "");
        var route = Route(RouteState.QuotaExceeded, "vtb-b is \e[2J full") with
        {
            Tables = [available, new("vtb-b", RouteState.QuotaExceeded, "QuotaExceeded", "R-1", "vtb-b is \e[2J full")],
            Ipv6 = new Ipv6RouteStatus("fd00::/64", RouteState.Rejected, "no IPv6", "R-2")
            {
                Tables = [available, new("vtb-b", RouteState.Rejected, "OperationDenied.Ipv6EntryOnCustomTable", "R-2", "no IPv6")],
            },
        };
        var document = Node(route).ToDocument("/run/flannel/subnet.env", Now);
        Assert.Contains(
            """
            route             QuotaExceeded in vtb-b, Available in vtb-a since 2026-11-27T00:00:00Z
                              TABLE   STATE           CODE            REQUEST   MESSAGE
                              vtb-a   Available       -               -         -
                              vtb-b   QuotaExceeded   QuotaExceeded   R-1       vtb-b is ?[2J full
            IPv6 route        Rejected
                              TABLE   STATE       CODE                                     REQUEST   MESSAGE
                              vtb-a   Available   -                                        -         -
                              vtb-b   Rejected    OperationDenied.Ipv6EntryOnCustomTable   R-2       no IPv6

            """, document.Format(OutputFormat.Table), StringComparison.Ordinal);
        Assert.Contains(
            $"vtb-b   {TextColor.Of("QuotaExceeded")}   ", document.Format(OutputFormat.Table, isColored: true), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reason_that_is_of_no_table_stays_in_the_line_of_the_route()
    {
        var route = Route(RouteState.Rejected, "vSwitch vsw-1 is in another VPC") with
        {
            Tables = [new("vtb-a", RouteState.Available, "", "", "")],
        };
        Assert.Contains(
            "route             Rejected; Available in vtb-a since 2026-11-27T00:00:00Z: vSwitch vsw-1 is in another VPC (request R-1)\n",
            Node(route).ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Table), StringComparison.Ordinal);
    }

    [Fact]
    public void The_IPv6_subnet_and_its_route_are_shown()
    {
        var route = Route(RouteState.Available, "") with { Ipv6 = new Ipv6RouteStatus("fd00::/64", RouteState.Pending, "", "") };
        var lease = Lease(route).Lease;
        var dualStack = lease with
        {
            Key = new SubnetKey(Subnet, Ipv6Network.Parse("fd00::/64")),
            Attributes = lease.Attributes with { PublicIpv6 = "2001:db8::5" },
        };
        var node = Node(null) with { Cluster = new NodeInCluster(new LeaseDescription(dualStack, TimeSpan.FromHours(23), route), null) };
        var text = node.ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Table);
        Assert.Contains("IPv6 subnet       fd00::/64, node 2001:db8::5\n", text, StringComparison.Ordinal);
        Assert.Contains("IPv6 route        Pending\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_states_have_colors_on_demand_and_texts_of_others_no_escape_sequences()
    {
        var document = Node(Route(RouteState.Conflict, "entry \e[2Jx")).ToDocument("/run/flannel/subnet.env", Now);
        var colored = document.Format(OutputFormat.Table, isColored: true);
        Assert.Contains($"\ndaemon            {TextColor.Of("ready")}\n", colored, StringComparison.Ordinal);
        Assert.Contains($"\nroute             {TextColor.Of("Conflict")} in vtb-a since", colored, StringComparison.Ordinal);
        Assert.Contains("entry ?[2Jx", colored, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", document.Format(OutputFormat.Table), StringComparison.Ordinal);
        Assert.DoesNotContain("\e", document.Format(OutputFormat.Json, isColored: true), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_route_controller_the_reason_of_each_node_is_shown()
    {
        var list = new NonCandidateList(
            [
                new NonCandidate("i-a", "192.168.1.5", "no credentials", "", Now),
                new NonCandidate("i-b", "192.168.1.6", "denied", "R-1", Now),
            ],
            3);
        var node = Node(null) with { Cluster = new NodeInCluster(Lease(null), null) { NonCandidates = list } };
        var text = node.ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Table);
        Assert.Contains(
            """
            route controller  none: 3 nodes are not candidates
                              i-a (192.168.1.5): no credentials, since 2026-11-28T00:00:00Z
                              i-b (192.168.1.6): denied (request R-1), since 2026-11-28T00:00:00Z
                              and 1 more

            """, text, StringComparison.Ordinal);
        var json = node.ToDocument("/run/flannel/subnet.env", Now).Format(OutputFormat.Json);
        Assert.Contains(
            """
              "candidates": [
                {
                  "instanceId": "i-a",
                  "publicIP": "192.168.1.5",
                  "reason": "no credentials",
                  "requestId": "",
                  "since": "2026-11-28T00:00:00Z"
                },
            """, json, StringComparison.Ordinal);
    }

    private static NodeDescription Node(RouteStatus? route) => new(
        Selected, new DaemonState("ready", ""),
        new NodeInCluster(Lease(route), new ControllerHolder("i-b", "192.168.1.6")), Subnet);

    private static LeaseDescription Lease(
        RouteStatus? route, string backend = "ali-vpc", string? data = """{"InstanceId":"i-a","VpcId":"vpc-a"}""") =>
        new(
            new Lease(
                new SubnetKey(Subnet), new LeaseAttributes(Address, null, backend, data, null), new TestLeaseIdentity(1, 1), 1),
            TimeSpan.FromHours(23),
            route);

    private static RouteStatus Route(RouteState state, string message) =>
        new(Subnet.ToString(), "i-a", ["vtb-a"], state, message, "R-1", Now - TimeSpan.FromDays(1));
}
