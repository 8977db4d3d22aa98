using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>One link as the source of the key that signs a single call, such as the one that assumes a role.</summary>
/// <param name="first">What the link just gave.</param>
internal sealed class ProviderSource(ICredentialProvider provider, AccessKey first) : ICredentialSource
{
    public ValueTask<CredentialAnswer> GetAsync(CancellationToken cancellation) => new(new CredentialAnswer.Found(first, provider.Name));

    public async ValueTask<CredentialAnswer> RefreshAsync(AccessKey rejected, CancellationToken cancellation) =>
        await provider.FetchAsync(cancellation).ConfigureAwait(false) switch
        {
            ProviderAnswer.Found { Key: var key } => new CredentialAnswer.Found(key, provider.Name),
            ProviderAnswer.Failed failed => new CredentialAnswer.Failed(failed.Line),
            _ => new CredentialAnswer.Missing($"{provider.Name} has no key any more"),
        };
}
