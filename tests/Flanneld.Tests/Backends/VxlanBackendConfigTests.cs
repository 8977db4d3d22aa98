using System.Text.Json;
using Flanneld.Backends;

namespace Flanneld.Tests.Backends;

public sealed class VxlanBackendConfigTests
{
    [Fact]
    public void The_defaults_are_upstreams()
    {
        var config = Parse("""{"Type":"vxlan"}""");
        Assert.Equal((1, 8472, null), (config.Vni, config.Port, config.Mtu));
        Assert.False(config.Gbp || config.Learning || config.DirectRouting);
    }

    [Theory]
    [InlineData("""{"VNI":7,"Port":4789,"MTU":1400,"GBP":true,"Learning":true,"DirectRouting":true,"MacPrefix":"0E-2A"}""")]
    [InlineData("""{"vni":7,"port":4789,"mtu":1400,"gbp":true,"learning":true,"directrouting":true,"Unknown":{"a":[1]}}""")]
    [InlineData("""{"vni":1,"VNI":7,"port":4789,"mtu":1400,"gbp":true,"learning":true,"DIRECTROUTING":true,"Gbp":null}""")]
    public void Names_match_in_any_case_the_last_one_wins_and_null_changes_nothing(string json)
    {
        var config = Parse(json);
        Assert.Equal((7, 4789, 1400), (config.Vni, config.Port, config.Mtu));
        Assert.True(config.Gbp && config.Learning && config.DirectRouting);
    }

    [Fact]
    public void Port_0_is_the_port_of_the_kernel() => Assert.Equal(8472, Parse("""{"Port":0}""").Port);

    [Theory]
    [InlineData("""{"VNI":"1"}""", "Backend.VNI must be a whole number from 0 to 9999999, without quotes")]
    [InlineData("""{"VNI":16777215}""", "Backend.VNI must be a whole number from 0 to 9999999, without quotes")]
    [InlineData("""{"VNI":-1}""", "Backend.VNI must be a whole number from 0 to 9999999, without quotes")]
    [InlineData("""{"VNI":1.5}""", "Backend.VNI must be a whole number from 0 to 9999999, without quotes")]
    [InlineData("""{"Port":65536}""", "Backend.Port must be a whole number from 0 to 65535, without quotes")]
    [InlineData("""{"MTU":117}""", "Backend.MTU must be a whole number from 118 to 65535, without quotes")]
    [InlineData("""{"GBP":"true"}""", "Backend.GBP must be true or false, without quotes")]
    [InlineData("""{"Learning":1}""", "Backend.Learning must be true or false, without quotes")]
    [InlineData("""{"DirectRouting":[]}""", "Backend.DirectRouting must be true or false, without quotes")]
    public void An_invalid_value_is_one_line(string json, string error) =>
        Assert.Equal(error, VxlanBackendConfig.Parse(JsonDocument.Parse(json).RootElement).Error);

    [Fact]
    public void A_misspelt_property_is_reported() =>
        Assert.Equal(
            ["unknown property DirectRoutes inside Backend is ignored: did you mean DirectRouting?"],
            VxlanBackendConfig.Warnings(
                JsonDocument.Parse("""{"Type":"vxlan","vni":1,"macprefix":"0E-2A","DirectRoutes":true}""").RootElement));

    [Fact]
    public void The_MTU_of_the_configuration_replaces_that_of_the_interface() =>
        Assert.Equal(8450, new VxlanBackend(Parse("""{"MTU":8500}""")).MtuFor(1500));

    private static VxlanBackendConfig Parse(string json) => VxlanBackendConfig.Parse(JsonDocument.Parse(json).RootElement).Value;
}
