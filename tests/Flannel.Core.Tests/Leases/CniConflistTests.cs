using System.Text;
using System.Text.Json.Nodes;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class CniConflistTests
{
    private static readonly SubnetEnv Example = new(
        Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24"), 1500, IpMasq: true);

    [Fact]
    public void The_conflist_is_what_the_flannel_plugin_gives_to_the_plugin_bridge() => Assert.True(
        JsonNode.DeepEquals(
            JsonNode.Parse(
                """
                {
                  "cniVersion": "0.3.1",
                  "name": "cbr0",
                  "plugins": [
                    {
                      "type": "bridge",
                      "mtu": 1500,
                      "isGateway": true,
                      "isDefaultGateway": true,
                      "hairpinMode": true,
                      "ipMasq": false,
                      "ipam": {
                        "type": "host-local",
                        "ranges": [[{"subnet": "10.24.5.0/24"}]],
                        "routes": [{"dst": "10.24.0.0/16"}],
                        "resolvConf": "/run/flannel/subnet.env"
                      }
                    },
                    {"type": "portmap", "capabilities": {"portMappings": true}}
                  ]
                }
                """),
            JsonNode.Parse(CniConflist.Create(Example, "/run/flannel/subnet.env"))));

    [Fact]
    public void A_dual_stack_node_has_a_range_and_a_route_of_each_family()
    {
        var dual = Example with { Ipv6 = new Ipv6SubnetEnv(Ipv6Network.Parse("fc00::/48"), Ipv6Network.Parse("fc00:0:0:5::/64")) };
        var ipam = JsonNode.Parse(CniConflist.Create(dual, "/run/flannel/subnet.env"))!["plugins"]![0]!["ipam"]!;
        Assert.Equal("""[[{"subnet":"10.24.5.0/24"}],[{"subnet":"fc00:0:0:5::/64"}]]""", ipam["ranges"]!.ToJsonString());
        Assert.Equal("""[{"dst":"10.24.0.0/16"},{"dst":"fc00::/48"}]""", ipam["routes"]!.ToJsonString());
    }

    [Fact]
    public void The_generated_conflist_and_that_of_upstream_are_valid()
    {
        Assert.Null(CniConflist.Check(CniConflist.Create(Example, "/run/flannel/subnet.env")).Error);
        Assert.Null(CniConflist.Check(
            """{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}}]}"""u8.ToArray()).Error);
    }

    [Theory]
    [InlineData("", "is not JSON: line 1, byte 1")]
    [InlineData("{\n  \"name\": }", "is not JSON: line 2, byte 11")]
    [InlineData("[]", "is not a conflist of CNI")]
    [InlineData("""{"plugins":[{"type":"bridge"}]}""", "is not a conflist of CNI")]
    [InlineData("""{"name":"cbr0","type":"bridge"}""", "is not a conflist of CNI")]
    [InlineData("""{"name":"cbr0","plugins":[]}""", "is not a conflist of CNI")]
    [InlineData("""{"name":"cbr0","plugins":[{"type":""}]}""", "is not a conflist of CNI")]
    [InlineData("""{"name":"cbr0","plugins":["bridge"]}""", "is not a conflist of CNI")]
    public void What_a_runtime_could_not_read_is_rejected(string content, string reason) =>
        Assert.StartsWith(reason, CniConflist.Check(Encoding.UTF8.GetBytes(content)).Error, StringComparison.Ordinal);
}
