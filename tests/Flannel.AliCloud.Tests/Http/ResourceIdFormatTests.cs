using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Tests.Http;

public class ResourceIdFormatTests
{
    [Theory]
    [InlineData("cn-hangzhou", true)]
    [InlineData("cn-shanghai-finance-1", true)]
    [InlineData("cn-north-2-gov-1", true)]
    [InlineData("hangzhou", false)]
    [InlineData("cn-hangzhou.evil.example", false)]
    [InlineData("CN-hangzhou", false)]
    [InlineData("cn-hangzhou\n", false)]
    [InlineData("cn--1", false)]
    public void Regions(string text, bool region) => Assert.Equal(region, ResourceIdFormat.IsRegionId(text));

    [Theory]
    [InlineData("eni-bp1abc", true)]
    [InlineData("eni-", false)]
    [InlineData("vpc-1", false)]
    [InlineData("eni-1\n", false)]
    [InlineData("eni-a b", false)]
    [InlineData("eni-é", false)]
    public void Interfaces(string text, bool ok) => Assert.Equal(ok, ResourceIdFormat.IsNetworkInterfaceId(text));

    [Theory]
    [InlineData("i-bp1abc", true)]
    [InlineData("AY1309171442508ba2d1b", true)]
    [InlineData("", false)]
    [InlineData("-i", false)]
    public void Instances(string text, bool ok) => Assert.Equal(ok, ResourceIdFormat.IsInstanceId(text));

    [Theory]
    [InlineData("FlannelRole", true)]
    [InlineData("Aliyun_ECS.Role-1", true)]
    [InlineData("../../user-data", false)]
    [InlineData("a/b", false)]
    public void Roles(string text, bool ok) => Assert.Equal(ok, ResourceIdFormat.IsRoleName(text));
}
