using System.Security.Cryptography;
using System.Text;
using Flannel.AliVpc.Api;
using Flannel.Core.Addresses;

namespace Flannel.AliVpc.Control;

/// <summary>Whose entry it is.</summary>
public enum MarkOwner
{
    /// <summary>No mark of any flannel: the old backend's, an operator's, another program's.</summary>
    None,

    /// <summary>This cluster's.</summary>
    Ours,

    /// <summary>Another cluster's of this program: another etcd prefix or another network.</summary>
    OtherCluster,
}

/// <summary>How entries of this cluster are told apart: the <c>RouteEntryName</c> is the token <c>flannel-{16 hex}</c>, the
/// <c>Description</c> begins with the same token and a colon and goes on in words for people. Either of the two is enough, so that
/// an operator may rename an entry in the console. The token is a hash of the etcd prefix and the network.</summary>
/// <param name="Token">At most 24 characters; the API allows 1 to 128 for a name.</param>
/// <param name="Description">At most 256 characters, the API's limit; it may not start with <c>http://</c> and does not.</param>
public sealed record OwnershipMark(string Token, string Description)
{
    private const string Prefix = "flannel-";
    private const int HexDigits = 16;
    private const int LongestDescription = 256;

    /// <param name="etcdPrefix">As configured; a slash more or less at its ends makes no other cluster.</param>
    public static OwnershipMark For(string etcdPrefix, Ipv4Network network)
    {
        var prefix = "/" + etcdPrefix.Trim('/');
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{prefix}\n{network}"));
        var token = Prefix + Convert.ToHexStringLower(hash)[..HexDigits];
        var words = $"{token}: route of flannel network {network}, etcd prefix {Plain(prefix)}";
        return new OwnershipMark(token, words.Length <= LongestDescription ? words : words[..LongestDescription]);
    }

    public MarkOwner OwnerOf(RouteEntry entry)
    {
        if (entry.Name == Token || DescriptionToken(entry.Description) == Token) return MarkOwner.Ours;
        return IsToken(entry.Name) || DescriptionToken(entry.Description) is not null ? MarkOwner.OtherCluster : MarkOwner.None;
    }

    private static string? DescriptionToken(string description)
    {
        var colon = description.IndexOf(':');
        var token = colon < 0 ? description : description[..colon];
        return IsToken(token) ? token : null;
    }

    private static bool IsToken(string text) =>
        text.Length == Prefix.Length + HexDigits && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text.Skip(Prefix.Length).All(char.IsAsciiHexDigitLower);

    private static string Plain(string text) => string.Create(text.Length, text, (span, source) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = source[i] is > ' ' and <= '~' ? source[i] : '?';
    });
}
