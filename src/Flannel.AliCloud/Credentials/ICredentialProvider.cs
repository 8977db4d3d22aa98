using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A provider of the credential provider chain.</summary>
public interface ICredentialProvider
{
    /// <summary>The origin of the key for messages, such as <c>access key file /etc/flannel/key</c>. It contains no secret.</summary>
    string Name { get; }

    ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation);

    /// <summary>True if the last key may be outdated for another reason than its expiration: its file was replaced. Called for every
    /// request, so it must be cheap.</summary>
    bool HasChanged();
}

/// <summary>What a provider returns.</summary>
public abstract record ProviderResult
{
    private ProviderResult() { }

    /// <summary>The key, or the failure with its reason.</summary>
    public static ProviderResult From(Result<AccessKey> key) => key.Ok ? new Found(key.Value) : new Failed(key.Error);

    public sealed record Found(AccessKey Key) : ProviderResult;

    /// <summary>The provider is not configured here; the chain tries the next one.</summary>
    /// <param name="Reason">Such as <c>ALIBABA_CLOUD_ACCESS_KEY_ID is not set</c>.</param>
    public sealed record NotConfigured(string Reason) : ProviderResult
    {
        /// <summary>True if a variable or a profile disables the provider.</summary>
        public bool IsDisabled { get; init; }
    }

    /// <summary>The provider is configured and supplies no key. The chain ends: the key of another provider would be a surprise.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record Failed(string Reason) : ProviderResult
    {
        /// <summary>True if this provider is not configured explicitly: the chain tries the next one, and the failure counts only if
        /// none supplies a key.</summary>
        public bool IsImplicit { get; init; }

        /// <summary>The permission whose absence made the provider fail; null for another failure.</summary>
        public MissingRamAction? Denied { get; init; }
    }
}
