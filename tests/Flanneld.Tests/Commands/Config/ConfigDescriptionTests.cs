using System.Text;
using System.Text.Json;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flanneld.Commands.Config;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.Config;

public sealed class ConfigDescriptionTests
{
    [Fact]
    public void The_table_has_the_effective_values_and_no_secret() => Assert.Equal(
        """
        key              /coreos.com/network/config, revision 7
        network          10.24.0.0/16
        subnets          255 subnets /24 from 10.24.1.0 to 10.24.255.0: 1 leased, 254 free
        IPv6 network     fc00::/48
        IPv6 subnets     65535 subnets /64 from fc00:0:0:1:: to fc00:0:0:ffff::
        backend          ali-vpc: region of the node, tables vtb-a, with an access key
        warning          unknown property SubnetLn is ignored: did you mean SubnetLen?

        {
          "Network": "10.24.0.0/16",
          "SubnetLn": 25,
          "EnableIPv6": true,
          "IPv6Network": "fc00::/48",
          "Backend": {
            "Type": "ali-vpc",
            "RouteTableID": "vtb-a",
            "accessKeyId": "LTAIid",
            "ACCESSKEYSECRET": "***"
          }
        }

        """,
        Describe(
            """
            {"Network":"10.24.0.0/16","SubnetLn":25,"EnableIPv6":true,"IPv6Network":"fc00::/48",
            "Backend":{"Type":"ali-vpc","RouteTableID":"vtb-a","accessKeyId":"LTAIid","ACCESSKEYSECRET":"hunter2"}}
            """).ToDocument().Format(OutputFormat.Table));

    [Fact]
    public void The_document_has_stored_and_effective_values()
    {
        var text = Describe("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.9.0","Backend":{"Type":"vxlan","VNI":7}}""")
            .ToDocument().Format(OutputFormat.Json);
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        Assert.Equal(("flanneld/v1", "NetworkConfig"), (root.GetProperty("apiVersion").GetString(), root.GetProperty("kind").GetString()));
        Assert.Equal("10.24.9.0", root.GetProperty("stored").GetProperty("SubnetMin").GetString());
        var effective = root.GetProperty("effective");
        Assert.Equal((24, 247), (effective.GetProperty("subnetLen").GetInt32(), effective.GetProperty("subnets").GetInt32()));
        Assert.Equal(JsonValueKind.Null, effective.GetProperty("ipv6").ValueKind);
        var backend = effective.GetProperty("backend");
        Assert.Equal("vxlan", backend.GetProperty("type").GetString());
        var tunnel = backend.GetProperty("tunnel");
        Assert.Equal((7, 8472), (tunnel.GetProperty("vni").GetInt32(), tunnel.GetProperty("port").GetInt32()));
        // The leased subnet lies outside the range.
        Assert.Equal((1, 247), (root.GetProperty("leased").GetInt32(), root.GetProperty("free").GetInt32()));
    }

    private static ConfigDescription Describe(string config)
    {
        var bytes = Encoding.UTF8.GetBytes(config);
        using var document = JsonDocument.Parse(bytes);
        var state = new SubnetState(new ConfigState.Missing(), [], [Ipv4Network.Parse("10.24.5.0/24")], 7, IsComplete: true);
        return new ConfigDescription(
            "/coreos.com/network/config", new StoredText(document.RootElement.Clone(), 7), ConfigInput.Parse("x", bytes).Value, state);
    }
}
