using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Planning;

public sealed class DesiredVpcStateTests
{
    private static readonly VpcId First = new("cn-hangzhou", "vpc-1");
    private static readonly VpcId Second = new("cn-hangzhou", "vpc-2");

    private static readonly NetworkConfig Config =
        NetworkConfigParser.Parse(Encoding.UTF8.GetBytes("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""")).Value;

    [Fact]
    public void Leases_are_grouped_by_VPC_and_those_of_other_VPCs_are_excluded()
    {
        var groups = Group(Node("10.24.1.0/24", "i-1"), Node("10.24.2.0/24", "i-2", "vpc-2"), Node("10.24.3.0/24", "i-3"));
        Assert.Equal([First, Second], groups.Keys.OrderBy(vpc => vpc.Id));
        Assert.Equal(["10.24.1.0/24", "10.24.3.0/24"], Destinations(groups[First].Nodes));
        Assert.Equal(["10.24.2.0/24"], Texts(groups[First].Excluded));
        Assert.Equal(["10.24.2.0/24"], Destinations(groups[Second].Nodes));
        Assert.Equal(["10.24.1.0/24", "10.24.3.0/24"], Texts(groups[Second].Excluded));
        Assert.All(groups.Values, state => Assert.Equal(Config.Network, state.Network));
        Assert.Equal("cn-hangzhou/vpc-1", groups[First].Vpc.ToString());
    }

    [Fact]
    public void Leases_of_upstream_of_other_backends_and_reservations_have_no_route_and_are_excluded()
    {
        var upstream = Lease("10.24.7.0/24", "ali-vpc", null, 1);
        var vxlan = Lease("10.24.8.0/24", "vxlan", """{"VNI":1,"VtepMAC":"0a:00:00:00:00:01"}""", 2);
        var otherBackend = Lease("10.24.9.0/24", "vxlan", Data("i-9", "vpc-1").ToJson(), 3);
        var state = Group(upstream, vxlan, otherBackend, Node("10.24.1.0/24", "i-1"))[First];
        Assert.Equal(["10.24.1.0/24"], Destinations(state.Nodes));
        Assert.Equal(["10.24.7.0/24", "10.24.8.0/24", "10.24.9.0/24"], Texts(state.Excluded));
    }

    [Fact]
    public void The_older_of_two_leases_of_one_subnet_has_the_route()
    {
        var state = Group(Node("10.24.1.0/24", "i-new", revision: 8), Node("10.24.1.0/24", "i-old", revision: 5))[First];
        Assert.Equal("i-old", Assert.Single(state.Nodes).Node.InstanceId);
        var unroutable = Assert.Single(state.Unroutable);
        Assert.Equal(("i-new", "another, older lease holds 10.24.1.0/24"), (unroutable.Node.Node.InstanceId, unroutable.Reason));
        Assert.Empty(state.Excluded);
    }

    [Fact]
    public void A_subnet_whose_older_lease_is_in_another_VPC_is_excluded()
    {
        var groups = Group(Node("10.24.1.0/24", "i-old", revision: 5), Node("10.24.1.0/24", "i-new", "vpc-2", revision: 8));
        Assert.Empty(groups[Second].Nodes);
        Assert.Single(groups[Second].Unroutable);
        Assert.Equal(["10.24.1.0/24"], Texts(groups[Second].Excluded));
    }

    [Fact]
    public void A_lease_of_the_default_route_has_no_route_and_excludes_nothing()
    {
        var state = Group(Node("0.0.0.0/0", "i-1"))[First];
        Assert.Empty(state.Nodes);
        Assert.Equal("0.0.0.0/0 is the default route", Assert.Single(state.Unroutable).Reason);
        Assert.Empty(state.Excluded);
    }

    [Fact]
    public void A_released_lease_has_no_route_and_still_determines_the_tables()
    {
        var state = Group(Node("10.24.1.0/24", "i-1", released: true), Node("10.24.2.0/24", "i-2"))[First];
        Assert.Equal(["10.24.2.0/24"], Destinations(state.Nodes));
        Assert.Equal(["10.24.1.0/24"], Destinations(state.Released));
        Assert.Equal(["10.24.1.0/24", "10.24.2.0/24"], Destinations(state.NodesWithLease));
        Assert.Empty(state.Excluded);
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    public void Absence_counts_only_with_all_leases_and_a_configuration(bool isComplete, bool hasConfig, bool expected)
    {
        var snapshot = new LeaseSnapshot(hasConfig ? Config : null, [Node("10.24.1.0/24", "i-1")], Revision: 9, isComplete);
        var state = DesiredVpcState.Group(snapshot)[First];
        Assert.Equal(expected, state.IsComplete);
        Assert.Equal(expected, state.WithoutNodes(snapshot).IsComplete);
        Assert.Equal(hasConfig ? Config.Network : (IpNetwork?)null, state.Network);
    }

    [Fact]
    public void A_VPC_without_nodes_excludes_all_living_leases_of_others()
    {
        var before = Group(Node("10.24.1.0/24", "i-1"))[First];
        var after = before.WithoutNodes(Snapshot(
            Node("10.24.2.0/24", "i-2", "vpc-2"), Node("10.24.3.0/24", "i-3", "vpc-2", released: true),
            Lease("10.24.7.0/24", "vxlan", null, 1)));
        Assert.Equal((First, Config.Network), (after.Vpc, after.Network));
        Assert.Empty(after.NodesWithLease);
        Assert.Empty(after.Unroutable);
        Assert.Equal(["10.24.2.0/24", "10.24.7.0/24"], Texts(after.Excluded));
    }

    [Fact]
    public void States_with_equal_elements_have_the_same_content()
    {
        Assert.True(Full().HasSameContent(Full()));
        Assert.False(Full().HasSameContent(Full() with { Network = null }));
        Assert.False(Full().HasSameContent(Full() with { IsComplete = false }));
        Assert.False(Full().HasSameContent(Full() with { Nodes = [] }));
        Assert.False(Full().HasSameContent(Full() with { Unroutable = [] }));
        Assert.False(Full().HasSameContent(Full() with { Released = [] }));
        Assert.False(Full().HasSameContent(Full() with { Excluded = [] }));
        Assert.False(Full().HasSameContent(Full() with { Ended = [] }));
        Assert.False(Full().HasSameContent(Full() with { EndedRecently = [] }));
        Assert.False(Full().HasSameContent(Full() with { ListedReleases = [] }));

        static DesiredVpcState Full()
        {
            var ended = new EndedLease(First, Ipv4Network.Parse("10.24.5.0/24"), "i-5", At: 1);
            return Group(
                Node("10.24.1.0/24", "i-1"), Node("10.24.1.0/24", "i-6", revision: 9), Node("10.24.2.0/24", "i-2", released: true),
                Node("10.24.3.0/24", "i-3", "vpc-2"))[First] with
            {
                Ended = [ended],
                EndedRecently = [ended],
                ListedReleases = [new ListedRelease(First, "10.24.2.0-24", At: 1)],
            };
        }
    }

    private static IReadOnlyDictionary<VpcId, DesiredVpcState> Group(params Lease[] leases) => DesiredVpcState.Group(Snapshot(leases));

    private static LeaseSnapshot Snapshot(params Lease[] leases) => new(Config, leases, Revision: 9, IsComplete: true);

    private static Lease Node(string subnet, string instance, string vpc = "vpc-1", long revision = 3, bool released = false) =>
        Lease(subnet, "ali-vpc", (Data(instance, vpc) with { Released = released }).ToJson(), revision);

    private static Lease Lease(string subnet, string backend, string? data, long revision)
    {
        var attributes = new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, backend, data, null);
        return new Lease(new SubnetKey(Ipv4Network.Parse(subnet)), attributes, new TestLeaseIdentity(revision, 1), revision);
    }

    private static AliVpcBackendData Data(string instance, string vpc) =>
        new("cn-hangzhou", vpc, "vsw-1", instance, $"eni-{instance}", PrimaryInterface: true);

    private static IEnumerable<string> Destinations(IEnumerable<DesiredRoute> routes) => Texts(routes.Select(route => route.Destination));

    private static IEnumerable<string> Texts(IEnumerable<IpNetwork> networks) => networks.Order().Select(network => network.ToString());
}
