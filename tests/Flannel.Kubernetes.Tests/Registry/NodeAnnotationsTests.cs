using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class NodeAnnotationsTests
{
    private const string Prefix = "flannel.alpha.coreos.com/";

    private static readonly NodeAnnotations Annotations = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;

    private static readonly LeaseAttributes Attributes = new(
        Ipv4Address.Parse("192.168.0.5"), null, "ali-vpc", """{"InstanceId":"i-1"}""", null);

    /// <summary>The first three are upstream's cases (<c>pkg/subnet/kube/annotations_test.go</c>).</summary>
    [Theory]
    [InlineData("flannel.alpha.coreos.com", "flannel.alpha.coreos.com/backend-type")]
    [InlineData("flannel.alpha.coreos.com/prefix", "flannel.alpha.coreos.com/prefix-backend-type")]
    [InlineData("flannel.alpha.coreos.com/prefix-", "flannel.alpha.coreos.com/prefix-backend-type")]
    [InlineData("flannel.alpha.coreos.com/", "flannel.alpha.coreos.com/backend-type")]
    public void A_prefix_is_completed_as_upstream_does(string prefix, string expected) =>
        Assert.Equal(expected, NodeAnnotations.Create(prefix).Value.BackendType);

    [Theory]
    [InlineData("flannel.alpha.coreos.com/a/b")]
    [InlineData("flannel")]
    [InlineData("")]
    [InlineData("Flannel.alpha.coreos.com")]
    [InlineData("flannel..com")]
    [InlineData("flannel.alpha.coreos.com/a.b")]
    public void A_prefix_that_upstream_rejects_is_rejected(string prefix) => Assert.False(NodeAnnotations.Create(prefix).Ok);

    [Fact]
    public void The_annotations_are_upstreams()
    {
        var written = Annotations.Differences(new KubeNode("n1", "u", "1"), Attributes);
        Assert.Equal(
            new Dictionary<string, string?>
            {
                [Prefix + "backend-type"] = "ali-vpc",
                [Prefix + "backend-data"] = """{"InstanceId":"i-1"}""",
                [Prefix + "public-ip"] = "192.168.0.5",
                [Prefix + "kube-subnet-manager"] = "true",
            },
            written);
    }

    [Fact]
    public void A_backend_without_data_has_null_and_an_IPv6_node_its_address()
    {
        var written = Annotations.Differences(
            new KubeNode("n1", "u", "1"), Attributes with { BackendType = "alloc", BackendData = null, PublicIpv6 = "fd00::5" });
        Assert.Equal("null", written[Prefix + "backend-data"]);
        Assert.Equal("null", written[Prefix + "backend-v6-data"]);
        Assert.Equal("fd00::5", written[Prefix + "public-ipv6"]);
    }

    [Fact]
    public void Only_what_differs_is_written_and_IPv6_of_an_earlier_run_is_deleted()
    {
        var node = With(
            ("backend-type", "ali-vpc"), ("backend-data", """{"InstanceId":"i-1"}"""), ("public-ip", "192.168.0.9"),
            ("kube-subnet-manager", "true"), ("public-ipv6", "fd00::5"), ("backend-v6-data", "null"));
        Assert.Equal(
            new Dictionary<string, string?>
            {
                [Prefix + "public-ip"] = "192.168.0.5",
                [Prefix + "public-ipv6"] = null,
                [Prefix + "backend-v6-data"] = null,
            },
            Annotations.Differences(node, Attributes));
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        var dual = Attributes with { PublicIpv6 = "fd00::5", BackendV6Data = """{"VtepMAC":"0a:00:00:00:00:01"}""" };
        foreach (var attributes in (LeaseAttributes[])[Attributes, dual, Attributes with { BackendData = null }])
        {
            var written = Annotations.Differences(new KubeNode("n1", "u", "1"), attributes);
            var node = new KubeNode("n1", "u", "2") { Annotations = written.ToDictionary(pair => pair.Key, pair => pair.Value!) };
            Assert.True(Annotations.IsManaged(node));
            Assert.Equal(attributes, Annotations.Read(node).Value);
            Assert.Empty(Annotations.Differences(node, attributes));
        }
    }

    [Fact]
    public void A_node_without_annotations_is_read_without_failing()
    {
        var node = new KubeNode("n1", "u", "1");
        Assert.False(Annotations.IsManaged(node));
        Assert.False(Annotations.Read(node).Ok);
        Assert.Equal(new NodePublicAddresses(null, null), Annotations.ReadNodeAddresses(node));
        Assert.Empty(Annotations.Deletion(node));
    }

    [Theory]
    [InlineData("public-ip", "not an address", "public-ip")]
    [InlineData("backend-data", "{", "backend-data")]
    public void An_annotation_that_cannot_be_read_is_named(string name, string value, string named)
    {
        var node = With(("public-ip", "192.168.0.5"), ("backend-data", "null"), (name, value));
        Assert.Contains(Prefix + named, Annotations.Read(node).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_data_of_IPv6_does_not_cost_the_IPv4_lease() =>
        Assert.Null(Annotations.Read(With(("public-ip", "192.168.0.5"), ("backend-v6-data", "{"))).Value.BackendV6Data);

    [Fact]
    public void Overwritten_addresses_replace_those_of_the_lease_and_invalid_ones_are_found()
    {
        var node = With(("public-ip-overwrite", "203.0.113.5"), ("public-ipv6-overwrite", "2001:db8:0::5"));
        var overwritten = Annotations.Overwrite(node, Attributes);
        Assert.Equal("203.0.113.5", overwritten.PublicIp.ToString());
        Assert.Equal("2001:db8::5", overwritten.PublicIpv6);
        Assert.Empty(Annotations.FindInvalidAddresses(node));

        var invalid = With(("public-ip-overwrite", "203.0.113"), ("node-public-ipv6", "192.168.0.5"));
        Assert.Equal(Attributes, Annotations.Overwrite(invalid, Attributes));
        Assert.Equal([Prefix + "public-ip-overwrite", Prefix + "node-public-ipv6"], Annotations.FindInvalidAddresses(invalid));
    }

    [Fact]
    public void Addresses_of_an_operator_replace_those_of_the_flags()
    {
        var read = Annotations.ReadNodeAddresses(With(("node-public-ip", "203.0.113.5"), ("node-public-ipv6", "2001:db8::5")));
        Assert.Equal(new NodePublicAddresses(Ipv4Address.Parse("203.0.113.5"), IpAddress.Parse("2001:db8::5")), read);
    }

    [Fact]
    public void A_deletion_leaves_the_annotations_of_operators()
    {
        var node = With(
            ("kube-subnet-manager", "true"), ("backend-data", "null"), ("ali-vpc-route-status", "{}"),
            ("public-ip-overwrite", "203.0.113.5"));
        Assert.Equal(
            [Prefix + "ali-vpc-route-status", Prefix + "backend-data", Prefix + "kube-subnet-manager"],
            Annotations.Deletion(node).Keys.Order(StringComparer.Ordinal));
    }

    private static KubeNode With(params (string Name, string Value)[] annotations)
    {
        var map = new Dictionary<string, string>();
        foreach (var (name, value) in annotations) map[Prefix + name] = value;
        return new KubeNode("n1", "u", "1") { Annotations = map };
    }
}
