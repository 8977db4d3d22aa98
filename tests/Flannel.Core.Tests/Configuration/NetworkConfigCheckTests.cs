using System.Text;
using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Tests.Configuration;

/// <summary>Defaults and checks of upstream's <c>pkg/subnet/config.go</c>; its own test cases are among them, as literal values.</summary>
public sealed class NetworkConfigCheckTests
{
    [Theory]
    // Upstream's TestConfigDefaults and TestConfigOverrides.
    [InlineData("""{ "network": "10.3.0.0/16" }""", "10.3.0.0/16 SubnetLen 24 10.3.1.0..10.3.255.0", 255)]
    [InlineData(
        """{ "Network": "10.3.0.0/16", "SubnetMin": "10.3.5.0", "SubnetMax": "10.3.8.0", "SubnetLen": 28 }""",
        "10.3.0.0/16 SubnetLen 28 10.3.5.0..10.3.8.0", 49)]
    // The example of the user guide.
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""", "10.24.0.0/16 SubnetLen 24 10.24.1.0..10.24.255.0", 255)]
    // A /24 for each node while four of them fit; a quarter of the network from there on.
    [InlineData("""{"Network":"10.0.0.0/8"}""", "10.0.0.0/8 SubnetLen 24 10.0.1.0..10.255.255.0", 65_535)]
    [InlineData("""{"Network":"10.24.0.0/22"}""", "10.24.0.0/22 SubnetLen 24 10.24.1.0..10.24.3.0", 3)]
    [InlineData("""{"Network":"10.24.0.0/23"}""", "10.24.0.0/23 SubnetLen 25 10.24.0.128..10.24.1.128", 3)]
    [InlineData("""{"Network":"10.24.5.0/24"}""", "10.24.5.0/24 SubnetLen 26 10.24.5.64..10.24.5.192", 3)]
    [InlineData("""{"Network":"10.24.5.16/28"}""", "10.24.5.16/28 SubnetLen 30 10.24.5.20..10.24.5.28", 3)]
    // Zero is "not given", for a number as for an address.
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetLen":0,"SubnetMin":"0.0.0.0","SubnetMax":"0.0.0.0"}""",
        "10.24.0.0/16 SubnetLen 24 10.24.1.0..10.24.255.0", 255)]
    // The first subnet is skipped by default, and can be configured.
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.0.0"}""", "10.24.0.0/16 SubnetLen 24 10.24.0.0..10.24.255.0", 256)]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.7.0","SubnetMax":"10.24.7.0"}""",
        "10.24.0.0/16 SubnetLen 24 10.24.7.0..10.24.7.0", 1)]
    // The first and the last networks of the address space.
    [InlineData("""{"Network":"0.0.0.0/8"}""", "0.0.0.0/8 SubnetLen 24 0.0.1.0..0.255.255.0", 65_535)]
    [InlineData("""{"Network":"0.0.0.0/1","SubnetLen":3}""", "0.0.0.0/1 SubnetLen 3 32.0.0.0..96.0.0.0", 3)]
    [InlineData("""{"Network":"128.0.0.0/1","SubnetLen":30}""", "128.0.0.0/1 SubnetLen 30 128.0.0.4..255.255.255.252", (1L << 29) - 1)]
    [InlineData("""{"Network":"255.255.0.0/16"}""", "255.255.0.0/16 SubnetLen 24 255.255.1.0..255.255.255.0", 255)]
    [InlineData("""{"Network":"255.255.255.240/28"}""", "255.255.255.240/28 SubnetLen 30 255.255.255.244..255.255.255.252", 3)]
    public void Defaults_are_upstreams(string json, string config, long count)
    {
        var result = Parse(json);
        Assert.Null(result.Error);
        Assert.Equal(config, result.Value.ToString()[..result.Value.ToString().IndexOf(" backend", StringComparison.Ordinal)]);
        Assert.Equal(count, result.Value.SubnetCount);
        Assert.Null(result.Value.Ipv6);
    }

    [Theory]
    [InlineData("{}", """Network is missing: give an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""{"Network":null}""", """Network is missing: give an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData(
        """{"Network":"0.0.0.0/0"}""",
        """Network 0.0.0.0/0 is too wide: it holds every address; give an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData(
        """{"Network":"10.24.0.0/0"}""",
        """Network 0.0.0.0/0 is too wide: it holds every address; give an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""{"EnableIPv4":false,"Network":"10.24.0.0/16"}""", "EnableIPv4 is false, and a lease needs an IPv4 subnet.")]
    [InlineData("""{"Network":"10.24.0.0/29"}""", "Network 10.24.0.0/29 is too small: the longest useful prefix is /28.")]
    [InlineData("""{"Network":"10.24.0.0/32"}""", "Network 10.24.0.0/32 is too small: the longest useful prefix is /28.")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetLen":31}""", "SubnetLen 31 is too long: it must be less than /31.")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetLen":4294967295}""", "SubnetLen 4294967295 is too long: it must be less than /31.")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetLen":17}""",
        "SubnetLen 17 is too short for 10.24.0.0/16: the network must hold at least four subnets, so /18 or longer.")]
    [InlineData(
        """{"Network":"10.24.0.0/29","SubnetLen":30}""",
        "SubnetLen 30 is too short for 10.24.0.0/29: the network must hold at least four subnets, so /31 or longer.")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMin":"10.25.0.0"}""",
        "SubnetMin 10.25.0.0 is not in the range of the Network 10.24.0.0/16.")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMin":"10.23.255.0"}""",
        "SubnetMin 10.23.255.0 is not in the range of the Network 10.24.0.0/16.")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMax":"10.25.0.0"}""",
        "SubnetMax 10.25.0.0 is not in the range of the Network 10.24.0.0/16.")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetMin":"10.24.5.1"}""",
        "SubnetMin 10.24.5.1 is not on a SubnetLen boundary: a /24 starts at 10.24.5.0.")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetLen":20,"SubnetMax":"10.24.8.0"}""",
        "SubnetMax 10.24.8.0 is not on a SubnetLen boundary: a /20 starts at 10.24.0.0.")]
    // Upstream accepts this, and has no subnet to lease.
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetMin":"10.24.9.0","SubnetMax":"10.24.8.0"}""",
        "SubnetMin 10.24.9.0 is beyond SubnetMax 10.24.8.0: no subnet is left.")]
    public void What_upstream_rejects_is_rejected_with_the_value_and_the_rule(string json, string error)
    {
        var result = Parse(json);
        Assert.False(result.Ok);
        Assert.Equal(error, result.Error + ".");
    }

    [Fact]
    public void An_accepted_configuration_contains_its_subnets()
    {
        var accepted = 0;
        var total = Gen.Select(Gen.Int[0, 32], Gen.UInt, Gen.Int[0, 33], Gen.UInt[0, 8], Gen.UInt[0, 300]).Always(sample =>
        {
            var (length, address, subnetLength, first, further) = sample;
            var network = new Ipv4Network(new Ipv4Address(address), length);
            var size = 1UL << (32 - Math.Clamp(subnetLength, 1, 32));
            var min = new Ipv4Address((uint)(network.Address.Value + first * size));
            var max = new Ipv4Address((uint)(min.Value + further * size));
            var result = Parse($$"""{"Network":"{{network}}","SubnetLen":{{subnetLength}},"SubnetMin":"{{min}}","SubnetMax":"{{max}}"}""");
            if (!result.Ok)
            {
                Assert.NotEqual("", result.Error);
                return;
            }

            var config = result.Value;
            accepted++;
            Assert.Equal(network, config.Network);
            Assert.InRange(config.SubnetLength, network.Length + 2, 30);
            foreach (var end in new[] { config.SubnetMin, config.SubnetMax })
            {
                var subnet = new Ipv4Network(end, config.SubnetLength);
                Assert.Equal(end, subnet.Address);
                Assert.True(config.Network.Contains(subnet));
            }

            Assert.True(config.SubnetCount >= 1);
            var last = config.SubnetMin.Value + (config.SubnetCount - 1) * (1L << (32 - config.SubnetLength));
            Assert.Equal(config.SubnetMax.Value, last);
        });
        Assert.True(accepted > total / 20, $"only {accepted} of {total} were accepted");
    }

    private static Result<NetworkConfig> Parse(string json) => NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json));
}
