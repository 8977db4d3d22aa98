using System.Text;
using System.Text.Json;
using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class LeaseAttributesTests
{
    /// <summary>What upstream's <c>json.Marshal(LeaseAttrs)</c> writes: v0.19.2 and today, in the order of its fields, empty ones
    /// left out.</summary>
    public static TheoryData<string> UpstreamValues { get; } =
    [
        // ali-vpc of v0.19.2, udp, alloc, and upstream's registry_test.
        """{"PublicIP":"1.2.3.4","PublicIPv6":null}""",
        """{"PublicIP":"192.168.0.10","PublicIPv6":null,"BackendType":"host-gw"}""",
        """{"PublicIP":"192.168.0.10","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"62:3a:f7:0c:51:9e"}}""",
        """{"PublicIP":"192.168.0.10","PublicIPv6":"fc00::10","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"62:3a:f7:0c:51:9e"},"BackendV6Data":{"VNI":1,"VtepMAC":"0a:11:22:33:44:55"}}""",
        """{"PublicIP":"0.0.0.0","PublicIPv6":"fc00::10","BackendType":"vxlan","BackendV6Data":{"VNI":1,"VtepMAC":"0a:11:22:33:44:55"}}""",
        """{"PublicIP":"192.168.0.10","PublicIPv6":null,"BackendType":"wireguard","BackendData":{"PublicKey":"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="}}""",
        """{"PublicIP":"192.168.0.10","PublicIPv6":"2001:db8::1","BackendType":"wireguard","BackendData":{"PublicKey":"xTIBA5rb/+vnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51820},"BackendV6Data":{"PublicKey":"xTIBA5rb/+vnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51821}}""",
        """{"PublicIP":"192.168.0.10","PublicIPv6":null,"BackendType":"extension","BackendData":"a text with \"quotes\", \u003c and \u00e9"}""",
        // Of this project.
        """{"PublicIP":"192.168.0.10","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{"RegionId":"cn-hangzhou","InstanceId":"i-bp1example","PrimaryInterface":true}}""",
    ];

    [Theory]
    [MemberData(nameof(UpstreamValues))]
    public void A_value_in_upstreams_form_is_written_back_byte_for_byte(string json)
    {
        Assert.Equal(json, Encoding.UTF8.GetString(Parse(json).Value.ToJson()));
    }

    [Fact]
    public void Each_property_is_parsed()
    {
        var attributes = Parse(
            """{"PublicIP":"192.168.0.10","PublicIPv6":"fc00::10","BackendType":"vxlan","BackendData":{"VNI":1},"BackendV6Data":[2]}""")
                .Value;
        Assert.Equal(new LeaseAttributes(new Ipv4Address(0xC0A8000A), "fc00::10", "vxlan", """{"VNI":1}""", "[2]"), attributes);
        var bare = new LeaseAttributes(new Ipv4Address(0xC0A8000A), null, "", null, null);
        Assert.Equal("""{"PublicIP":"192.168.0.10","PublicIPv6":null}""", Encoding.UTF8.GetString(bare.ToJson()));
    }

    [Theory]
    [InlineData("""{"publicip":"1.2.3.4","BACKENDTYPE":"ali-vpc","backendData":{"a":1}}""")]
    [InlineData("""{"PublicIP":"9.9.9.9","BackendType":"udp","PublicIP":"1.2.3.4","BackendType":"ali-vpc","BackendData":{"a":1}}""")]
    [InlineData("""{"Future":{"PublicIP":7},"PublicIP":"1.2.3.4","BackendType":"ali-vpc","BackendData":{"a":1},"BackendV6Data":null}""")]
    [InlineData(" {\n\"PublicIP\" : \"1.2.3.4\",\t\"BackendType\":\"ali-vpc\",\"BackendData\":{\"a\":1}} \r\n")]
    public void Names_match_in_any_case_the_last_wins_the_unknown_is_ignored(string json) => Assert.Equal(
        new LeaseAttributes(new Ipv4Address(0x01020304), null, "ali-vpc", """{"a":1}""", null), Parse(json).Value);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"PublicIP":null,"PublicIPv6":null,"BackendType":null,"BackendData":null,"BackendV6Data":null}""")]
    [InlineData("""{"publicipv6":null}""")]
    // Another node's IPv6 address is not used: the lease must be read even if the address is invalid.
    [InlineData("""{"PublicIPv6":7}""")]
    public void Missing_properties_are_empty(string json) =>
        Assert.Equal(new LeaseAttributes(Ipv4Address.Any, null, "", null, null), Parse(json).Value);

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("reserved for db-1", "not valid JSON")]
    [InlineData("""{"PublicIP":"1.2.3.4" """, "not valid JSON")]
    [InlineData("""{"PublicIP":"1.2.3.4"} {}""", "not valid JSON")]
    [InlineData("""{"PublicIP":"1.2.3.4",}""", "not valid JSON")]
    [InlineData("""{"BackendType":"\ud800"}""", "not valid JSON")]
    [InlineData("null", "not a JSON object")]
    [InlineData("\"1.2.3.4\"", "not a JSON object")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("""{"PublicIP":""}""", "PublicIP is not an IPv4 address")]
    [InlineData("""{"PublicIP":16909060}""", "PublicIP is not an IPv4 address")]
    [InlineData("""{"PublicIP":"01.2.3.4"}""", "PublicIP is not an IPv4 address")]
    [InlineData("""{"PublicIP":"fc00::1"}""", "PublicIP is not an IPv4 address")]
    [InlineData("""{"BackendType":1}""", "BackendType is not a string")]
    public void An_invalid_value_is_rejected_with_a_reason(string json, string expected)
    {
        Assert.Equal(expected, Parse(json).Error);
    }

    [Fact]
    public void No_bytes_throw_and_a_parsed_value_survives_a_round_trip() => Hostile.Bytes(
            [.. UpstreamValues.Select(row => row.Data), "\"PublicIP\":", "\"PublicIPv6\":", "\"BackendType\":", "\"BackendData\":",
                "\"1.2.3.4\"", "\"fc00::1\""])
        .Always(bytes =>
        {
            var parsed = LeaseAttributes.Parse(bytes);
            Assert.NotEqual(parsed.Ok, parsed.Error?.Length > 0);
            if (parsed.Ok) Assert.Equal(parsed.Value, LeaseAttributes.Parse(parsed.Value.ToJson()).Value);
        }, times: 40_000);

    [Fact]
    public void Any_text_is_escaped() => Gen.Select(Gen.String, Gen.String).Always(pair =>
    {
        // A lone half of a surrogate pair cannot be written as UTF-8; JSON's encoder puts U+FFFD there.
        if (!IsUnicode(pair.Item1) || !IsUnicode(pair.Item2)) return;
        var attributes = new LeaseAttributes(default, pair.Item1, pair.Item2, JsonSerializer.Serialize(pair.Item1), null);
        Assert.Equal(attributes, LeaseAttributes.Parse(attributes.ToJson()).Value);
    });

    private static bool IsUnicode(string text) => text.EnumerateRunes().All(rune => rune.Value != 0xFFFD);

    private static Result<LeaseAttributes> Parse(string json) => LeaseAttributes.Parse(Encoding.UTF8.GetBytes(json));
}
