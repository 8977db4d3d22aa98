using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;

namespace Flannel.RouteController.Planning;

/// <summary>The mark of a cluster's route entries: <c>RouteEntryName</c> is <c>flannel-{cluster id}</c>, and <c>Description</c> begins with
/// the same text and a colon. One of the two is enough, so that an entry which was renamed in the console is still recognized; the other
/// one is then written again.</summary>
/// <remarks>The cluster's id does not depend on settings: with another network or etcd prefix it is the same cluster.</remarks>
public sealed record OwnershipMark
{
    private const string Prefix = "flannel-";
    private const string TakenOverFrom = ", adopted from ";

    private readonly string takenOverSuffix;

    private OwnershipMark(string token)
    {
        Token = token;
        Description = $"{token}: flannel route";
        takenOverSuffix = TakenOverFrom + token;
    }

    /// <summary>At most 24 characters; the API allows 1 to 128 for a name.</summary>
    public string Token { get; }

    /// <summary>At most 256 characters, the API's limit. It must not start with <c>http://</c>.</summary>
    public string Description { get; }

    public static OwnershipMark Of(ClusterId cluster) => new(Prefix + cluster);

    /// <summary>The mark of an entry of any cluster; null without one. Of an entry with two marks, the one in the name.</summary>
    public static string? TokenOf(RouteEntry entry) => IsToken(entry.Name) ? entry.Name : TokenOf(entry.Description);

    /// <param name="text">A cluster's id, or its mark.</param>
    /// <returns>The mark; null if the text is neither.</returns>
    public static string? ParseToken(string text) =>
        IsToken(text) ? text : ClusterId.TryParse(text, out var id) ? Prefix + id : null;

    public RouteOwner OwnerOf(RouteEntry entry)
    {
        // Nearly all entries of a table are this cluster's: they need no text of their own.
        if (IsCompleteOn(entry)) return RouteOwner.ThisCluster;
        var inName = IsToken(entry.Name) ? entry.Name : null;
        var inDescription = TokenOf(entry.Description);
        if ((inName ?? inDescription) is null) return RouteOwner.Unmarked;
        return (inName ?? Token) == Token && (inDescription ?? Token) == Token ? RouteOwner.ThisCluster : RouteOwner.OtherCluster;
    }

    /// <summary>Whether both name and description carry this cluster's mark.</summary>
    public bool IsCompleteOn(RouteEntry entry) => entry.Name == Token && BeforeColon(entry.Description).SequenceEqual(Token);

    /// <summary>The description to write when the entry is marked. If the entry was another cluster's, it names that cluster: the
    /// controller of that cluster then recognizes the takeover (<see cref="WasTakenOver"/>) and does not reclaim the entry.</summary>
    public string DescriptionFor(RouteEntry entry)
    {
        if (OwnerOf(entry) == RouteOwner.OtherCluster && TokenOf(entry) is { } former) return Description + TakenOverFrom + former;
        return TokenOf(entry.Description) == Token ? entry.Description : Description;
    }

    /// <summary>Whether another cluster has taken over this entry from this cluster.</summary>
    public bool WasTakenOver(RouteEntry entry) => entry.Description.EndsWith(takenOverSuffix, StringComparison.Ordinal);

    private static string? TokenOf(string description)
    {
        var token = BeforeColon(description);
        return token.StartsWith(Prefix) && token.ToString() is var text && IsToken(text) ? text : null;
    }

    private static ReadOnlySpan<char> BeforeColon(string description)
    {
        var colon = description.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? description : description.AsSpan(0, colon);
    }

    private static bool IsToken(string text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal) && ClusterId.TryParse(text.AsSpan(Prefix.Length), out _);
}
