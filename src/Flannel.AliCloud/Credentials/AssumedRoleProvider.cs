using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>A role that is assumed with the key of another provider.</summary>
internal sealed class AssumedRoleProvider(AssumedRole role, ICredentialProvider source, StsClient sts) : ICredentialProvider
{
    public string Name => $"{role.Name} with the key of {source.Name}";

    public bool HasChanged() => source.HasChanged();

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        var result = await source.FetchAsync(cancellation);
        if (result is not ProviderResult.Found { Key: var key }) return result;
        var assumed = await sts.AssumeRoleAsync(role, new ProviderSource(source, key), cancellation);
        return assumed.ToProviderResult();
    }
}

internal static class StsResultExtensions
{
    public static ProviderResult ToProviderResult(this StsResult result) => result switch
    {
        StsResult.Assumed { Key: var key } => new ProviderResult.Found(key),
        StsResult.Failed failed => new ProviderResult.Failed(failed.Reason) { Denied = failed.Missing },
        _ => throw new InvalidOperationException($"unknown result {result}"),
    };
}
