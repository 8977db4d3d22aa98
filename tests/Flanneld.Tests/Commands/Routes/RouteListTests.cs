using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Routes;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.Routes;

public sealed class RouteListTests
{
    private const string Ours = "flannel-0123456789abcdef";
    private const string Theirs = "flannel-00000000000000aa";
    private static readonly VpcId Vpc = new("cn-hangzhou", "vpc-1");
    private static readonly NextHop Hop = new("Instance", "i-1");
    private static readonly NetworkConfig Config = NetworkConfigParser.Parse(
        """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}"""u8.ToArray()).Value;

    [Fact]
    public void Entries_and_missing_entries_are_one_table_in_the_order_of_destinations()
    {
        var list = List(
            [
                Entry("10.24.9.0/24", ListedKind.Stale, RouteOwner.ThisCluster, Ours),
                Entry("10.24.8.0/24", ListedKind.OtherCluster, RouteOwner.OtherCluster, Theirs),
                Entry("10.24.7.0/24", ListedKind.Unmanaged, RouteOwner.Unmarked, null),
                Entry("10.24.1.0/24", ListedKind.Leased, RouteOwner.ThisCluster, Ours) with { Lease = Lease("10.24.1.0/24", 1) },
            ],
            Gap(RouteGapKind.Missing, "10.24.2.0/24", 2, "vtb-1"));
        Assert.Equal(
            $"""
            cluster   0123456789abcdef
            network   10.24.0.0/16
            VPC       cn-hangzhou/vpc-1

            DESTINATION    NODE          NEXT HOP       TABLE   STATE       OWNER                      KIND
            10.24.1.0/24   192.168.1.1   Instance/i-1   vtb-1   Available   this-cluster               leased
            10.24.2.0/24   192.168.1.2   Instance/i-1   vtb-1   Missing     -                          missing
            10.24.7.0/24   -             Instance/i-1   vtb-1   Available   unmanaged                  unmanaged
            10.24.8.0/24   -             Instance/i-1   vtb-1   Available   {Theirs}   other-cluster
            10.24.9.0/24   -             Instance/i-1   vtb-1   Available   this-cluster               stale

            2 leases of ali-vpc, 1 without an available route
            1 unmanaged: no lease matches them, and they carry no mark; 'flanneld routes clean --unmanaged' deletes them
            1 stale: of this cluster, and no lease matches them; 'flanneld routes clean --stale' deletes them now
            1 of another cluster; if it no longer exists, 'flanneld routes clean --of {Theirs}' deletes them

            """,
            list.ToDocument().Format(OutputFormat.Table));
        Assert.Equal("1 subnet has no available route: 10.24.2.0/24 of 192.168.1.2: no entry in vtb-1", list.FindProblem());
    }

    [Fact]
    public void The_json_has_the_documented_fields()
    {
        var entry = Entry("10.24.1.0/24", ListedKind.Leased, RouteOwner.ThisCluster, Ours) with
        {
            Lease = Lease("10.24.1.0/24", 1),
            HasWrongNextHop = true,
        };
        var gap = Gap(RouteGapKind.WrongNextHop, "10.24.1.0/24", 1, "vtb-1", "it leads to Instance i-1");
        var list = List([entry], gap) with { Cluster = null };
        Assert.Equal(
            """
            {
              "apiVersion": "flanneld/v1",
              "kind": "RouteList",
              "cluster": null,
              "backend": "ali-vpc",
              "network": "10.24.0.0/16",
              "ipv6Network": null,
              "vpcs": [
                {
                  "id": "vpc-1",
                  "region": "cn-hangzhou"
                }
              ],
              "routed": false,
              "reason": "1 subnet has no available route: 10.24.1.0/24 of 192.168.1.1: it leads to Instance i-1 in vtb-1",
              "leases": 2,
              "problems": [],
              "items": [
                {
                  "destination": "10.24.1.0/24",
                  "publicIP": "192.168.1.1",
                  "nextHops": [
                    {
                      "type": "Instance",
                      "id": "i-1"
                    }
                  ],
                  "table": "vtb-1",
                  "servesNodes": true,
                  "vpc": "vpc-1",
                  "state": "WrongNextHop",
                  "kind": "leased",
                  "owner": "this-cluster",
                  "mark": "flannel-0123456789abcdef",
                  "entryId": "rte-10.24.1.0/24",
                  "name": "flannel-0123456789abcdef",
                  "message": "it leads to Instance i-1"
                }
              ]
            }

            """,
            list.ToDocument().Format(OutputFormat.Json));
    }

    [Fact]
    public void The_route_status_says_why_an_entry_is_missing_and_that_the_node_is_in_fallback()
    {
        const string tunnel = """{"InstanceId":"i-1","VpcId":"vpc-1","VNI":1,"VtepMAC":"0e:00:00:00:00:01"}""";
        var gap = Gap(RouteGapKind.Missing, "10.24.2.0/24", 2, "vtb-1");
        var lease = gap.Lease with { Attributes = gap.Lease.Attributes with { BackendData = tunnel } };
        var status = new RouteStatus("10.24.2.0/24", "i-1", [], RouteState.QuotaExceeded, "the table is full", "R-1", default);
        var list = List([], gap) with { Leases = [new LeaseDescription(lease, null, status)] };
        const string why = "QuotaExceeded: the table is full (request R-1); reached through the VXLAN tunnel";
        Assert.Equal($"1 subnet has no available route: 10.24.2.0/24 of 192.168.1.2: no entry in vtb-1 ({why})", list.FindProblem());
        Assert.Contains(why, list.ToDocument().Format(OutputFormat.Wide), StringComparison.Ordinal);
    }

    [Fact]
    public void Many_leases_without_a_route_are_named_in_one_short_line()
    {
        var gaps = Enumerable.Range(1, 9).Select(i => Gap(RouteGapKind.Missing, $"10.24.{i}.0/24", i, "vtb-1")).ToArray();
        var problem = List([], gaps).FindProblem()!;
        Assert.StartsWith("9 subnets have no available route: 10.24.1.0/24 of", problem, StringComparison.Ordinal);
        Assert.EndsWith("10.24.5.0/24 of 192.168.1.5: no entry in vtb-1; and 4 more", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_incomplete_list_is_no_yes()
    {
        var list = List([]) with { Listing = new RouteListingResult([Vpc], [], [], ["vtb-1 not read: Throttling"]) };
        Assert.Equal("the list is incomplete: vtb-1 not read: Throttling", list.FindProblem());
        Assert.EndsWith(
            "\nvtb-1 not read: Throttling\n0 leases of ali-vpc, not all compared\n", list.ToDocument().Format(OutputFormat.Table),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_backend_without_routes_has_its_leases()
    {
        var vxlan = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"vxlan"}}"""u8.ToArray()).Value;
        var lease = new LeaseDescription(Lease("10.24.2.0/24", 2, "vxlan"), null, null);
        var list = new RouteList(vxlan, null, null, [lease]);
        Assert.Null(list.FindProblem());
        Assert.Equal(
            """
            backend vxlan has no routes

            SUBNET         PUBLIC IP     BACKEND
            10.24.2.0/24   192.168.1.2   vxlan

            """,
            list.ToDocument().Format(OutputFormat.Table));
    }

    private static RouteList List(IReadOnlyList<ListedRoute> routes, params RouteGap[] gaps)
    {
        Assert.True(ClusterId.TryParse("0123456789abcdef", out var cluster));
        return new RouteList(Config, cluster, new RouteListingResult([Vpc], routes, gaps, []) { Required = 2 }, []);
    }

    private static ListedRoute Entry(string destination, ListedKind kind, RouteOwner owner, string? mark)
    {
        var entry = new RouteEntry(
            "vtb-1", $"rte-{destination}", IpNetwork.Parse(destination), destination, true, RouteEntryStatus.Available, mark ?? "", "",
            [Hop]);
        return new ListedRoute(Vpc, entry, kind, owner, mark) { ServesNodes = true };
    }

    private static RouteGap Gap(RouteGapKind kind, string subnet, int node, string table, string detail = "") =>
        new(kind, Lease(subnet, node), IpNetwork.Parse(subnet), Vpc, table, Hop, detail);

    private static Lease Lease(string subnet, int node, string backend = "ali-vpc") => new(
        new SubnetKey(Ipv4Network.Parse(subnet)),
        new LeaseAttributes(Ipv4Address.Parse($"192.168.1.{node}"), null, backend, """{"InstanceId":"i-1","VpcId":"vpc-1"}""", null),
        new TestLeaseIdentity(1, 1), 1);
}
