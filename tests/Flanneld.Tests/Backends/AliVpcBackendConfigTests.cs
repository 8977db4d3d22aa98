using System.Text.Json;
using CsCheck;
using Flannel.Core;
using Flanneld.Backends;

namespace Flanneld.Tests.Backends;

public class AliVpcBackendConfigTests
{
    [Fact]
    public void Names_match_in_any_case_and_unknown_ones_are_ignored()
    {
        var config = Parse("""
            {"Type":"ali-vpc","accesskeyid":"id","ACCESSKEYSECRET":"s","RegionId":"cn-hangzhou","routeTableID":["vtb-1","","vtb-2","vtb-1"],"Other":{"x":1}}
            """).Value;
        Assert.Equal(("id", "s", "cn-hangzhou"), (config.AccessKey!.Id, config.AccessKey.Secret.RevealText(), config.RegionId));
        Assert.Equal(["vtb-1", "vtb-2"], config.RouteTableIds);
    }

    [Theory]
    [InlineData("""{"Type":"ali-vpc"}""")]
    [InlineData("""{"AccessKeyID":"","AccessKeySecret":null,"RegionID":"","RouteTableID":""}""")]
    [InlineData("""{"RouteTableID":[]}""")]
    [InlineData("null")]
    public void An_empty_value_means_that_the_property_is_not_given(string json)
    {
        var config = Parse(json).Value;
        Assert.Null(config.AccessKey);
        Assert.Null(config.RegionId);
        Assert.Empty(config.RouteTableIds);
    }

    [Fact]
    public void A_missing_backend_is_an_empty_one() => Assert.Same(AliVpcBackendConfig.Empty, AliVpcBackendConfig.Parse(default).Value);

    [Fact]
    public void A_single_table_may_be_a_string() => Assert.Equal(["vtb-1"], Parse("""{"RouteTableID":"vtb-1"}""").Value.RouteTableIds);

    [Theory]
    [InlineData("[]", "Backend must be an object")]
    [InlineData("\"hIdDeN\"", "Backend must be an object")]
    [InlineData("""{"\ud800":1}""", "Backend has a property whose name is not valid text")]
    [InlineData("""{"accessKeySecret":17}""", "Backend.AccessKeySecret must be a string")]
    [InlineData("""{"AccessKeySecret":"\ud800"}""", "Backend.AccessKeySecret must be a string")]
    [InlineData("""{"AccessKeySecret":"hIdDeN"}""", "Backend.AccessKeySecret is given without AccessKeyID")]
    [InlineData("""{"AccessKeyID":"hIdDeN"}""", "Backend.AccessKeyID is given without AccessKeySecret")]
    [InlineData("""{"AccessKeyID":"id","AccessKeySecret":"hId DeN"}""", "secret has a character")]
    [InlineData("""{"RegionID":"hIdDeN"}""", "Backend.RegionID must be")]
    [InlineData("""{"RouteTableID":"hIdDeN"}""", "Backend.RouteTableID must be")]
    [InlineData("""{"RouteTableID":["vtb-1",7]}""", "Backend.RouteTableID must be")]
    [InlineData("""{"Fallback":"hIdDeN"}""", "Backend.Fallback must be \"vxlan\"")]
    [InlineData("""{"Fallback":true}""", "Backend.Fallback must be a string")]
    [InlineData("""{"Fallback":"vxlan","Port":"hIdDeN"}""", "Backend.Port must be a whole number")]
    [InlineData(
        """{"Fallback":"vxlan","DirectRouting":true}""", "Backend.DirectRouting cannot be combined with Fallback: remove one of them")]
    [InlineData("""{"RouteTableID":{"hIdDeN":1}}""", "Backend.RouteTableID must be")]
    public void An_invalid_property_is_named_and_its_value_is_not_quoted(string json, string error)
    {
        var line = Parse(json).Error;
        Assert.Contains(error, line, StringComparison.Ordinal);
        Assert.DoesNotContain("DeN", line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_fallback_has_the_settings_of_vxlan_beside_those_of_ali_vpc()
    {
        var config = Parse("""{"Type":"ali-vpc","RouteTableID":"vtb-1","fallback":"vxlan","VNI":7,"mtu":1400}""").Value;
        Assert.Equal(["vtb-1"], config.RouteTableIds);
        Assert.Equal((7, 8472, 1400), (config.Fallback!.Vni, config.Fallback.Port, config.Fallback.Mtu));
        Assert.Null(Parse("""{"Type":"ali-vpc","VNI":"7","DirectRouting":true}""").Value.Fallback);
    }

    [Fact]
    public void It_is_printed_without_its_access_key()
    {
        var text = Parse("""{"AccessKeyID":"hIdDeN","AccessKeySecret":"hIdDeN"}""").Value.ToString();
        Assert.DoesNotContain("hIdDeN", text, StringComparison.Ordinal);
        Assert.Contains("with an access key", text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_value_causes_an_exception() =>
        Gen.Select(
            Gen.OneOf("AccessKeyID", "AccessKeySecret", "RegionID", "RouteTableID", "Type", "Fallback", "VNI"),
            Gen.OneOf(
                "1", "null", "true", "[]", "{}", "\"\"", "\"x\"", "\"vtb-1\"", "\"cn-a\"", "\"vxlan\"", "[\"vtb-1\",null]",
                "\"\\udc00\"")).Array[0, 6]
            .Sample(pairs => Parse($"{{{string.Join(',', pairs.Select(p => $"\"{p.Item1}\":{p.Item2}"))}}}") is not null,
                seed: "0004hJ9xCg6W", iter: 3000);

    private static Result<AliVpcBackendConfig> Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return AliVpcBackendConfig.Parse(document.RootElement);
    }
}
