namespace Flannel.AliCloud.Credentials;

/// <summary>Always the same answer: a key that is written in a profile, or why a profile gives none.</summary>
internal sealed class FixedProvider(string name, ProviderResult answer) : ICredentialProvider
{
    public string Name => name;

    public bool HasChanged() => false;

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation) => ValueTask.FromResult(answer);
}
