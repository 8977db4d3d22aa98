using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>Lets the key of one provider sign a single call, such as the one that assumes a role.</summary>
/// <param name="key">The key that the provider returned last.</param>
internal sealed class ProviderSource(ICredentialProvider provider, AccessKey key) : ICredentialSource
{
    public ValueTask<CredentialResult> GetAsync(CancellationToken cancellation) => new(new CredentialResult.Found(key, provider.Name));

    public async ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation) =>
        await provider.FetchAsync(cancellation) switch
        {
            ProviderResult.Found { Key: var newer } => new CredentialResult.Found(newer, provider.Name),
            ProviderResult.Failed failed => new CredentialResult.Failed(failed.Reason),
            _ => new CredentialResult.Missing($"{provider.Name} has no key any more"),
        };
}
