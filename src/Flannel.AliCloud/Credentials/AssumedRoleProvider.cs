using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>A role that is assumed with the key of another link.</summary>
internal sealed class AssumedRoleProvider(AssumedRole role, ICredentialProvider source, StsClient sts) : ICredentialProvider
{
    public string Name => $"{role.Name} with the key of {source.Name}";

    public bool HasChanged() => source.HasChanged();

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        var answer = await source.FetchAsync(cancellation);
        return answer is ProviderResult.Found { Key: var key }
            ? await sts.AssumeAsync(role, new ProviderSource(source, key), cancellation)
            : answer;
    }
}
