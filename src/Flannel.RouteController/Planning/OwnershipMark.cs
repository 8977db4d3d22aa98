using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Inventory;

namespace Flannel.RouteController.Planning;

/// <summary>Whose entry it is.</summary>
public enum MarkOwner
{
    /// <summary>No mark of any flannel: the old backend's, an operator's, another program's.</summary>
    None,

    /// <summary>This cluster's.</summary>
    Ours,

    /// <summary>Another cluster's of this program, or marked by two clusters.</summary>
    OtherCluster,
}

/// <summary>How entries of this cluster are told apart: the <c>RouteEntryName</c> is <c>flannel-{cluster id}</c>, and the
/// <c>Description</c> begins with the same text and a colon. One of the two is enough, so that an entry which was renamed in the console
/// is still known; the other is then written again.</summary>
/// <remarks>The cluster's id says nothing of its settings: a changed network or etcd prefix is the same cluster.</remarks>
public sealed record OwnershipMark
{
    private const string Prefix = "flannel-";
    private const string AdoptedFrom = ", adopted from ";

    private OwnershipMark(string token) => Token = token;

    /// <summary>At most 24 characters; the API allows 1 to 128 for a name.</summary>
    public string Token { get; }

    /// <summary>At most 256 characters, the API's limit; it may not start with <c>http://</c> and does not.</summary>
    public string Description => $"{Token}: flannel route";

    public static OwnershipMark Of(ClusterId cluster) => new(Prefix + cluster);

    /// <summary>The mark of an entry, whatever cluster it is of; null without one. Of an entry with two marks, the one in the
    /// name.</summary>
    public static string? TokenOf(RouteEntry entry) => IsToken(entry.Name) ? entry.Name : TokenOf(entry.Description);

    /// <param name="text">A cluster's id, or its mark.</param>
    /// <returns>Null when it is neither.</returns>
    public static string? ParseToken(string text) =>
        IsToken(text) ? text : ClusterId.TryParse(text, out var id) ? Prefix + id : null;

    public MarkOwner OwnerOf(RouteEntry entry)
    {
        var inName = IsToken(entry.Name) ? entry.Name : null;
        var inDescription = TokenOf(entry.Description);
        if ((inName ?? inDescription) is null) return MarkOwner.None;
        return (inName ?? Token) == Token && (inDescription ?? Token) == Token ? MarkOwner.Ours : MarkOwner.OtherCluster;
    }

    /// <summary>Whether both name and description carry this cluster's mark.</summary>
    public bool IsCompleteOn(RouteEntry entry) => entry.Name == Token && TokenOf(entry.Description) == Token;

    /// <summary>The description of an entry that was another cluster's. It names that cluster, whose route controller then knows that the
    /// entry was taken from it on purpose (<see cref="WasTakenOver"/>) and does not take it back.</summary>
    public string DescriptionFor(RouteEntry entry) =>
        OwnerOf(entry) == MarkOwner.OtherCluster && TokenOf(entry) is { } former ? Description + AdoptedFrom + former
        : TokenOf(entry.Description) == Token ? entry.Description
        : Description;

    /// <summary>Whether another cluster has adopted this entry, which was ours before.</summary>
    public bool WasTakenOver(RouteEntry entry) => entry.Description.EndsWith(AdoptedFrom + Token, StringComparison.Ordinal);

    private static string? TokenOf(string description)
    {
        var colon = description.IndexOf(':', StringComparison.Ordinal);
        var token = colon < 0 ? description : description[..colon];
        return IsToken(token) ? token : null;
    }

    private static bool IsToken(string text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal) && ClusterId.TryParse(text.AsSpan(Prefix.Length), out _);
}
