using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Planning;

public sealed class AliVpcBackendDataTests
{
    private const string Text =
        """{"RegionId":"cn-hangzhou","VpcId":"vpc-1","VSwitchId":"vsw-1","InstanceId":"i-1","NetworkInterfaceId":"eni-1","PrimaryInterface":true}""";

    private static readonly AliVpcBackendData Data = new("cn-hangzhou", "vpc-1", "vsw-1", "i-1", "eni-1", PrimaryInterface: true);

    /// <summary>Other versions of this program read it from etcd.</summary>
    [Fact]
    public void Its_text_in_the_lease_is_fixed()
    {
        Assert.Equal(Text, Data.ToJson());
        Assert.Equal(Text.Replace("}", ""","Released":true}""", StringComparison.Ordinal), (Data with { Released = true }).ToJson());
    }

    [Fact]
    public void It_is_read_back()
    {
        Assert.Equal(Data, AliVpcBackendData.Parse(Text));
        Assert.Equal(Data with { Released = true }, AliVpcBackendData.Parse((Data with { Released = true }).ToJson()));
    }

    /// <summary>The release of a lease writes it back.</summary>
    [Fact]
    public void The_VXLAN_device_of_a_node_with_a_fallback_is_kept()
    {
        var data = Data with { Vni = 1, VtepMac = "0e:aa:bb:cc:dd:02" };
        Assert.Equal(Text.Replace("}", ""","VNI":1,"VtepMAC":"0e:aa:bb:cc:dd:02"}""", StringComparison.Ordinal), data.ToJson());
        Assert.Equal(data, AliVpcBackendData.Parse(data.ToJson()));
        Assert.Equal(data with { Released = true }, AliVpcBackendData.Parse((data with { Released = true }).ToJson()));
    }

    [Theory]
    [InlineData("RegionId")]
    [InlineData("VpcId")]
    [InlineData("VSwitchId")]
    [InlineData("InstanceId")]
    [InlineData("NetworkInterfaceId")]
    public void Data_without_one_of_its_ids_is_of_another_program(string name) =>
        Assert.Null(AliVpcBackendData.Parse(Text.Replace(name, "Other", StringComparison.Ordinal)));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"VNI":1,"VtepMAC":"0a:00:00:00:00:01"}""")]
    public void Other_texts_are_of_another_program(string? text) => Assert.Null(AliVpcBackendData.Parse(text));
}
