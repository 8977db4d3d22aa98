using Flannel.AliCloud.Credentials;

namespace Flannel.AliCloud.Signing;

/// <summary>What one link of the chain had to say, for people and without a secret.</summary>
/// <param name="Name">Where a key would come from, such as <c>RAM role FlannelRole</c>.</param>
/// <param name="Detail">Of a link that served, what kind of key it gave; of one that is not configured or disabled, why (half a sentence); of one that failed, a whole
/// line; empty for one that was not asked.</param>
public sealed record CredentialLink(string Name, CredentialLinkState State, string Detail)
{
    /// <summary>Of a link that failed for lack of a right, that right; else null.</summary>
    public DeniedRight? Denied { get; init; }

    /// <summary>Nobody named it: it failed where a node may well have no such thing.</summary>
    public bool IsAlwaysTried { get; init; }
}

/// <summary>How a link of the chain answered.</summary>
public enum CredentialLinkState
{
    /// <summary>The key comes from here.</summary>
    Served,

    /// <summary>Nothing is set up here: the next link was asked.</summary>
    NotConfigured,

    /// <summary>A variable or a profile switches it off: the next link was asked.</summary>
    Disabled,

    /// <summary>It is set up and gives no key. Unless the next links were asked all the same, the chain ended here.</summary>
    Failed,

    /// <summary>An earlier link served or failed.</summary>
    NotAsked,
}
