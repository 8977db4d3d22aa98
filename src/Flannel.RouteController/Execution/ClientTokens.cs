using System.Security.Cryptography;
using System.Text;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>The client tokens of single creations. The API recognizes a repeated call by its token, so a token is the same for every
/// repetition of one creation, and another one for the next creation of the same route.</summary>
internal sealed class ClientTokens(Random random)
{
    /// <summary>The API accepts at most 64 ASCII characters.</summary>
    private const int Length = 48;

    private readonly Dictionary<RouteKey, Token> tokens = [];

    private sealed record Token(NextHop NextHop, string Text);

    public string Of(RouteAction.Create route)
    {
        var key = RouteKey.Of(route);
        // The API rejects a token that it knows from a creation with another next hop.
        if (!tokens.TryGetValue(key, out var token) || !NextHops.AreEqual(token.NextHop, route.Desired.NextHop))
            tokens[key] = token = new Token(route.Desired.NextHop, New(route));
        return token.Text;
    }

    public void Remove(RouteAction.Create route) => tokens.Remove(RouteKey.Of(route));

    /// <summary>Removes the tokens of routes that the table's plan does not create any more.</summary>
    public void Observe(string tableId, IEnumerable<RouteAction> actions)
    {
        var creations = actions.OfType<RouteAction.Create>().Select(RouteKey.Of).ToHashSet();
        foreach (var key in tokens.Keys.Where(key => key.TableId == tableId && !creations.Contains(key)).ToList()) tokens.Remove(key);
    }

    private string New(RouteAction.Create route)
    {
        var desired = route.Desired;
        var text = $"{route.RouteTableId} {route.Destination} {desired.NextHop} {desired.Lease.Identity.Order} {random.NextInt64():x}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)))[..Length];
    }
}
