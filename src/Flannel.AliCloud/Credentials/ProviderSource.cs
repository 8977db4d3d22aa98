using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>One link as the source of the key that signs a single call, such as the one that assumes a role.</summary>
/// <param name="first">What the link just gave.</param>
internal sealed class ProviderSource(ICredentialProvider provider, AccessKey first) : ICredentialSource
{
    public ValueTask<CredentialResult> GetAsync(CancellationToken cancellation) => new(new CredentialResult.Found(first, provider.Name));

    public async ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation) =>
        await provider.FetchAsync(cancellation) switch
        {
            ProviderResult.Found { Key: var key } => new CredentialResult.Found(key, provider.Name),
            ProviderResult.Failed failed => new CredentialResult.Failed(failed.Line),
            _ => new CredentialResult.Missing($"{provider.Name} has no key any more"),
        };
}
