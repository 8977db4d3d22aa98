using System.Text;
using Flannel.Core.Configuration;
using Flanneld.Backends;

namespace Flanneld.Tests.Backends;

public sealed class BackendCacheTests
{
    [Fact]
    public void The_backend_of_a_configuration_is_parsed_once()
    {
        var cache = new BackendCache();
        var first = cache.Get(Parse("vtb-1"));
        Assert.Same(first, cache.Get(Parse("vtb-1")));
        Assert.Equal(["vtb-1"], Assert.IsType<AliVpcBackend>(first.Value).Config.RouteTableIds);
    }

    [Fact]
    public void A_changed_configuration_is_parsed_again_also_after_an_invalid_one()
    {
        var cache = new BackendCache();
        cache.Get(Parse("vtb-1"));
        Assert.False(cache.Get(Parse("not a table")).Ok);
        var changed = cache.Get(Parse("vtb-2"));
        Assert.Equal(["vtb-2"], Assert.IsType<AliVpcBackend>(changed.Value).Config.RouteTableIds);
    }

    private static NetworkConfig Parse(string table) => NetworkConfigParser.Parse(
        Encoding.UTF8.GetBytes(
            $$$"""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"{{{table}}}"}}""")).Value;
}
