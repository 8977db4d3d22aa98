using System.Text;
using Flannel.Core.Configuration;

namespace Flannel.Core.Tests.Configuration;

public sealed class ConfigStateTests
{
    private const string Json = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    [Fact]
    public void Equal_content_at_one_revision_is_the_same()
    {
        Assert.True(new ConfigState.Missing().IsSameAs(new ConfigState.Missing()));
        Assert.True(new ConfigState.Invalid("a", 5).IsSameAs(new ConfigState.Invalid("a", 5)));
        Assert.True(Present(Json, 5).IsSameAs(Present(Json, 5)));
    }

    [Fact]
    public void Another_revision_another_content_or_another_kind_is_not_the_same()
    {
        Assert.False(Present(Json, 5).IsSameAs(Present(Json, 6)));
        Assert.False(new ConfigState.Invalid("a", 5).IsSameAs(new ConfigState.Invalid("b", 5)));
        Assert.False(new ConfigState.Invalid("a", 5).IsSameAs(Present(Json, 5)));
        Assert.False(new ConfigState.Missing().IsSameAs(Present(Json, 0)));
    }

    /// <summary>A new etcd counts from 1 again: two configurations may have one revision.</summary>
    [Theory]
    [InlineData("""{"Network":"10.25.0.0/16","Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetLen":25,"Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.9.0","Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMax":"10.24.9.0","Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","EnableNFTables":false,"Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-1"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16"}""")]
    public void Another_configuration_at_the_same_revision_is_not_the_same(string other) =>
        Assert.False(Present(Json, 5).IsSameAs(Present(other, 5)));

    private static ConfigState.Present Present(string json, long revision) =>
        new(NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json)).Value, revision);
}
