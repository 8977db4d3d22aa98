namespace Flannel.AliCloud.Credentials;

/// <summary>Always returns the same result: the key in a profile, or the reason why a profile has none.</summary>
internal sealed class FixedProvider(string name, ProviderResult result) : ICredentialProvider
{
    public string Name => name;

    public bool HasChanged() => false;

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation) => ValueTask.FromResult(result);
}
