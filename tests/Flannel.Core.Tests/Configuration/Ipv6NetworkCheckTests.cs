using System.Text;
using Flannel.Core.Configuration;

namespace Flannel.Core.Tests.Configuration;

/// <summary>A dual-stack configuration has upstream's defaults, and is checked as upstream checks it.</summary>
public sealed class Ipv6NetworkCheckTests
{
    [Theory]
    // Upstream's TestIPv6ConfigDefaults and TestIPv6ConfigOverrides, in a network that has IPv4 too.
    [InlineData("""  "enableIPv6": true, "ipv6Network": "fc00::/48"  """, "fc00::/48 IPv6SubnetLen 64 fc00:0:0:1::..fc00:0:0:ffff::")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetMin": "fc00:0:0:1::", "IPv6SubnetMax": "fc00:0:0:f::", "IPv6SubnetLen": 124  """,
        "fc00::/48 IPv6SubnetLen 124 fc00:0:0:1::..fc00:0:0:f::")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "fc00::/62"  """, "fc00::/62 IPv6SubnetLen 64 fc00:0:0:1::..fc00:0:0:3::")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "fc00::/63"  """, "fc00::/63 IPv6SubnetLen 65 fc00::8000:0:0:0..fc00:0:0:1:8000::")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "fc00::/124"  """, "fc00::/124 IPv6SubnetLen 126 fc00::4..fc00::c")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetLen": 126  """,
        "fc00::/48 IPv6SubnetLen 126 fc00::4..fc00::ffff:ffff:ffff:ffff:fffc")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetLen": 0, "IPv6SubnetMin": "::", "IPv6SubnetMax": "::"  """,
        "fc00::/48 IPv6SubnetLen 64 fc00:0:0:1::..fc00:0:0:ffff::")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "ff00::/8"  """, "ff00::/8 IPv6SubnetLen 64 ff00:0:0:1::..ffff:ffff:ffff:ffff::")]
    [InlineData("""  "EnableIPv6": false, "IPv6Network": "fc00::/127"  """, null)]
    public void What_upstream_accepts_is_accepted_with_its_defaults(string properties, string? expected)
    {
        var result = Parse(properties);
        Assert.Null(result.Error);
        Assert.Equal(expected, result.Value.Ipv6?.ToString());
    }

    [Fact]
    public void A_change_of_the_IPv6_part_is_a_change_of_the_configuration()
    {
        var config = Parse("""  "EnableIPv6": true, "IPv6Network": "fc00::/48"  """).Value;
        Assert.True(config.IsSameAs(Parse("""  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetLen": 64  """).Value));
        Assert.False(config.IsSameAs(Parse("""  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetLen": 65  """).Value));
        Assert.False(config.IsSameAs(Parse("""  "EnableIPv6": false, "IPv6Network": "fc00::/48"  """).Value));
        Assert.Equal(65_535UL, config.Ipv6!.SubnetCount);
    }

    [Theory]
    [InlineData("""  "EnableIPv6": true  """,
        """EnableIPv6 is true and IPv6Network is missing: give an IPv6 network such as "fc00::/48".""")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "::/0"  """,
        """IPv6Network ::/0 is too wide: it holds every address; give an IPv6 network such as "fc00::/48".""")]
    [InlineData("""  "EnableIPv6": true, "IPv6Network": "fc00::/125"  """,
        "IPv6Network fc00::/125 is too small: the longest useful prefix is /124.")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetLen": 127  """,
        "IPv6SubnetLen 127 is too long: it must be less than /127.")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetLen": 49  """,
        "IPv6SubnetLen 49 is too short for fc00::/48: the network must hold at least four subnets.")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetMin": "fc01::"  """,
        "IPv6SubnetMin fc01:: is not in the range of the IPv6Network fc00::/48.")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetMax": "fc01::"  """,
        "IPv6SubnetMax fc01:: is not in the range of the IPv6Network fc00::/48.")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetMin": "fc00::1:0"  """,
        "IPv6SubnetMin fc00::1:0 is not on an IPv6SubnetLen boundary (/64).")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetMax": "fc00:0:0:f::1"  """,
        "IPv6SubnetMax fc00:0:0:f::1 is not on an IPv6SubnetLen boundary (/64).")]
    [InlineData(
        """  "EnableIPv6": true, "IPv6Network": "fc00::/48", "IPv6SubnetMin": "fc00:0:0:9::", "IPv6SubnetMax": "fc00:0:0:8::"  """,
        "IPv6SubnetMin fc00:0:0:9:: is beyond IPv6SubnetMax fc00:0:0:8::: no IPv6 subnet is left.")]
    public void What_upstream_rejects_is_rejected_with_the_value_and_the_rule(string properties, string error)
    {
        var result = Parse(properties);
        Assert.False(result.Ok);
        Assert.Equal(error, result.Error + ".");
    }

    [Theory]
    [InlineData("fe80::/48", "link-local addresses (fe80::/10)")]
    [InlineData("ff00::/16", "multicast addresses (ff00::/8)")]
    [InlineData("::ffff:10.0.0.0/104", "IPv4-mapped addresses (::ffff:0:0/96)")]
    public void A_network_that_no_container_can_use_is_reported(string network, string expected)
    {
        var result = Parse($$"""  "EnableIPv6": true, "IPv6Network": "{{network}}"  """);
        Assert.Null(result.Error);
        Assert.Contains(result.Value.Warnings, line => line.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_private_network_gives_no_warning() =>
        Assert.Empty(Parse("""  "EnableIPv6": true, "IPv6Network": "fc00::/48"  """).Value.Warnings);

    private static Result<NetworkConfig> Parse(string properties) =>
        NetworkConfigParser.Parse(Encoding.UTF8.GetBytes($$"""{"Network":"10.24.0.0/16",{{properties}}}"""));
}
