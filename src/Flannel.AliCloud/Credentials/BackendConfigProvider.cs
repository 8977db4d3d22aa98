using Flannel.AliCloud.Signing;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Credentials;

/// <summary>The key in the network config, as flannel's old backend had it. It works, and is warned against once.</summary>
public sealed class BackendConfigProvider(ConfiguredKey configured, ILogger logger) : ICredentialProvider
{
    private volatile AccessKey? found;
    private bool warned;

    public string Name => "AccessKeyID of the network config";

    public bool HasChanged() => found is { } before && configured.Current?.IsSameAs(before) != true;

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        found = configured.Current;
        if (found is not { } key) return ValueTask.FromResult<ProviderResult>(new ProviderResult.NotConfigured("the network config has no AccessKeyID"));
        if (!warned) logger.KeyInBackendConfig();
        warned = true;
        return ValueTask.FromResult<ProviderResult>(new ProviderResult.Found(key));
    }
}
