using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class NodeLeaseTests
{
    private static readonly NodeAnnotations Annotations = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;
    private static readonly NodeLeaseReader Reader = new(Annotations);

    [Theory]
    [InlineData("10.24.5.0/24", "fd00:24:0:5::/64")]
    [InlineData("fd00:24:0:5::/64", "10.24.5.0/24")]
    public void A_dual_stack_node_has_both_subnets_in_either_order(string first, string second)
    {
        var lease = Leased(Node("i-1", first, second));
        Assert.Equal("10.24.5.0-24&fd00:24:0:5::-64", lease.Key.ToString());
        Assert.Equal(new KubeLeaseIdentity("n1", "uid-1", Node("i-1").CreationTime), lease.Identity);
        Assert.Equal("i-1", LeaseInstance.Read(lease.Attributes)?.Id);
        Assert.False(lease.IsReservation);
    }

    [Fact]
    public void A_node_without_podCIDR_has_no_lease() => Assert.IsType<NodeLease.None>(Reader.Read(Node("i-1")));

    /// <summary>Its pods may still use the subnet. A plan must not differ from what is read before a deletion
    /// (<c>KubeTermProofTests</c>).</summary>
    [Fact]
    public void A_node_without_the_annotation_of_flannel_keeps_its_subnet_and_gets_no_route()
    {
        var read = Assert.IsType<NodeLease.Leased>(Reader.Read(With(Node("i-1", "10.24.5.0/24"), Annotations.KubeSubnetManager, "")));
        Assert.Equal("10.24.5.0-24", read.Lease.Key.ToString());
        Assert.Equal(new LeaseAttributes(Ipv4Address.Any, null, "", null, null), read.Lease.Attributes);
        Assert.Null(read.Problem);
        Assert.IsType<NodeLease.None>(Reader.Read(new KubeNode("n1", "uid-1", "1") { PodCidrs = ["nonsense"] }));
    }

    [Theory]
    [InlineData("fd00:24:0:5::/64")]
    [InlineData("10.24.5.0/24", "10.24.6.0/24")]
    [InlineData("10.24.5.0/24", "fd00:24:0:5::/64", "fd00:24:0:6::/64")]
    [InlineData("nonsense")]
    public void A_lease_whose_subnet_is_unknown_is_not_taken_as_absent(params string[] podCidrs) =>
        Assert.IsType<NodeLease.Unreadable>(Reader.Read(Node("i-1", podCidrs)));

    [Fact]
    public void A_lease_with_an_annotation_that_cannot_be_read_keeps_its_subnet_and_gets_no_route()
    {
        var node = Node("i-1", "10.24.5.0/24");
        var broken = Assert.IsType<NodeLease.Leased>(Reader.Read(With(node, Annotations.PublicIp, "?")));
        Assert.Contains(Annotations.PublicIp, broken.Problem, StringComparison.Ordinal);
        Assert.Equal("10.24.5.0-24", broken.Lease.Key.ToString());
        Assert.Null(broken.Lease.Attributes.BackendData);
    }

    [Theory]
    [InlineData("alicloud://cn-hangzhou.i-1", true)]
    [InlineData("cn-hangzhou.i-1", true)]
    [InlineData("", true)]
    [InlineData("aws:///eu-west-1a/i-2", true)]
    [InlineData("kind://docker/kind/n1.example", true)]
    [InlineData("alicloud://cn-hangzhou.i-2", false)]
    [InlineData("cn-hangzhou.i-2", false)]
    public void A_lease_has_a_route_only_if_the_providerID_does_not_name_another_instance(string providerId, bool hasInstance)
    {
        var read = Assert.IsType<NodeLease.Leased>(Reader.Read(Node("i-1", "10.24.5.0/24") with { ProviderId = providerId }));
        Assert.Equal(hasInstance, LeaseInstance.Read(read.Lease.Attributes) is not null);
        Assert.Equal(hasInstance, read.Problem is null);
        if (!hasInstance) Assert.Contains("i-2", read.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("service.alibabacloud.com/exclude-node", "true")]
    [InlineData("service.alibabacloud.com/exclude-node", "")]
    [InlineData("service.beta.kubernetes.io/exclude-node", "false")]
    [InlineData("type", "virtual-kubelet")]
    public void The_routes_of_an_excluded_node_are_left_alone(string label, string value)
    {
        var node = Node("i-1", "10.24.5.0/24") with { Labels = new Dictionary<string, string> { [label] = value } };
        var read = Assert.IsType<NodeLease.Leased>(Reader.Read(node));
        Assert.Null(read.Problem);
        Assert.Null(read.Lease.Attributes.BackendData);
        // Also after flannel is removed from it.
        Assert.IsType<NodeLease.Leased>(Reader.Read(node with { Annotations = new Dictionary<string, string>() }));
        Assert.IsType<NodeLease.None>(Reader.Read(node with { PodCidrs = [] }));
    }

    [Fact]
    public void A_node_of_a_registered_cluster_in_the_cloud_is_not_excluded()
    {
        var labels = new Dictionary<string, string> { ["alibabacloud.com/external"] = "true", ["type"] = "worker" };
        Assert.NotNull(LeaseInstance.Read(Leased(Node("i-1", "10.24.5.0/24") with { Labels = labels }).Attributes));
        var hybrid = Node("i-1", "10.24.5.0/24") with { ProviderId = "ack-hybrid://123456" };
        Assert.Null(LeaseInstance.Read(Leased(hybrid).Attributes));
    }

    [Fact]
    public void An_excluded_node_with_vxlan_stays_a_peer()
    {
        var node = With(With(Node("i-1", "10.24.5.0/24"), Annotations.BackendType, "vxlan"), Annotations.BackendData, """{"VNI":1}""");
        var lease = Leased(node with { Labels = new Dictionary<string, string> { ["type"] = "virtual-kubelet" } });
        Assert.Equal("""{"VNI":1}""", lease.Attributes.BackendData);
    }

    [Fact]
    public void The_version_changes_with_the_lease_alone()
    {
        var node = Node("i-1", "10.24.5.0/24");
        var version = Leased(node).Version;
        Assert.Equal(version, Leased(node with { ResourceVersion = "99", IsDeleting = true }).Version);
        Assert.Equal(version, Leased(With(node, Annotations.RouteStatus, "{}")).Version);
        Assert.Equal(version, Leased(With(node, "other", "x")).Version);
        Assert.NotEqual(version, Leased(With(node, Annotations.PublicIp, "192.168.0.6")).Version);
        Assert.NotEqual(version, Leased(With(node, Annotations.BackendV6Data, "{}")).Version);
        Assert.NotEqual(version, Leased(node with { Uid = "uid-2" }).Version);
        Assert.NotEqual(version, Leased(node with { Labels = new Dictionary<string, string> { ["type"] = "virtual-kubelet" } }).Version);
    }

    private static Lease Leased(KubeNode node) => Assert.IsType<NodeLease.Leased>(Reader.Read(node)).Lease;

    private static KubeNode Node(string instance, params string[] podCidrs)
    {
        var node = new KubeNode("n1", "uid-1", "1")
        {
            PodCidrs = podCidrs,
            CreationTime = new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero),
        };
        var annotations = Annotations.Differences(node, KubeFixture.AttributesOf(instance));
        return node with { Annotations = annotations.ToDictionary(pair => pair.Key, pair => pair.Value!) };
    }

    private static KubeNode With(KubeNode node, string name, string value) =>
        node with { Annotations = new Dictionary<string, string>(node.Annotations) { [name] = value } };
}
