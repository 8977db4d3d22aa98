using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Credentials;

/// <summary>What a provider of the chain returned, without a secret.</summary>
/// <param name="Name">The origin of the key, such as <c>RAM role FlannelRole</c>.</param>
/// <param name="Detail">For <see cref="CredentialProviderState.Used"/> the kind of key; for a provider that is not configured or disabled,
/// the reason; for a failed one, a line that starts with its name; empty for one that was not tried.</param>
public sealed record CredentialProviderStatus(string Name, CredentialProviderState State, string Detail)
{
    /// <summary>The permission whose absence made the provider fail; null for another failure.</summary>
    public MissingRamAction? Denied { get; init; }

    /// <summary>True if this provider is not configured explicitly: its failure may be normal for this node.</summary>
    public bool IsImplicit { get; init; }

    internal bool EndsChain => State == CredentialProviderState.Used || (State == CredentialProviderState.Failed && !IsImplicit);
}

public enum CredentialProviderState
{
    /// <summary>The provider supplied the key.</summary>
    Used,

    /// <summary>The provider is not configured; the next one was tried.</summary>
    NotConfigured,

    /// <summary>A variable or a profile disables the provider; the next one was tried.</summary>
    Disabled,

    /// <summary>The provider is configured and supplied no key. The chain ended here, unless the provider is implicit.</summary>
    Failed,

    /// <summary>An earlier provider supplied the key or failed.</summary>
    NotTried,
}
