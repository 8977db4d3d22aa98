using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Execution;

/// <summary>The API rejects a token that was sent with other parameters (<c>IdempotentParameterMismatch</c>).</summary>
public sealed class ClientTokensTests
{
    private readonly ClientTokens tokens = new(new Random(1));

    [Fact]
    public void A_creation_that_is_repeated_has_the_same_token()
    {
        Assert.Equal(tokens.Of(Create("i-1")), tokens.Of(Create("i-1")));
        Assert.Equal(48, tokens.Of(Create("i-1")).Length);
    }

    [Fact]
    public void A_creation_for_another_node_has_another_token()
    {
        var first = tokens.Of(Create("i-1"));
        Assert.NotEqual(first, tokens.Of(Create("i-2")));
    }

    [Fact]
    public void The_next_creation_of_a_route_has_another_token()
    {
        var first = tokens.Of(Create("i-1"));
        tokens.Remove(Create("i-1"));
        var second = tokens.Of(Create("i-1"));
        tokens.Observe("vtb-1", []);
        Assert.Equal(3, new[] { first, second, tokens.Of(Create("i-1")) }.Distinct().Count());
    }

    private static RouteAction.Create Create(string instance) => new("vtb-1", Plans.Desired("10.24.5.0/24", instance));
}
