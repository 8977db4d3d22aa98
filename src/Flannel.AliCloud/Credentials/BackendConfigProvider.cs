using Flannel.AliCloud.Signing;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Credentials;

/// <summary>The key of the network config, as in flannel up to v0.19.2. It logs one warning.</summary>
public sealed class BackendConfigProvider(ConfiguredKey configured, ILogger logger) : ICredentialProvider
{
    public const string Origin = "AccessKeyID of the network config";

    private volatile AccessKey? lastKey;
    private bool warned;

    public string Name => Origin;

    public bool HasChanged() => lastKey is { } last && configured.Current?.IsSameAs(last) != true;

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        lastKey = configured.Current;
        if (lastKey is not { } key)
            return ValueTask.FromResult<ProviderResult>(new ProviderResult.NotConfigured("the network config has no AccessKeyID"));
        if (!warned) logger.KeyInBackendConfig();
        warned = true;
        return ValueTask.FromResult<ProviderResult>(new ProviderResult.Found(key));
    }
}
