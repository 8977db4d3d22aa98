using Microsoft.Extensions.Logging;

namespace Flannel.AliVpc.Credentials;

/// <summary>The key in the network config, as flannel's old backend had it. It works, and is warned against once.</summary>
public sealed class BackendConfigProvider(AliVpcBackendConfig config, ILogger logger) : ICredentialProvider
{
    private bool warned;

    public string Name => "AccessKeyID of the network config";

    public bool HasChanged() => false;

    public ValueTask<ProviderAnswer> FetchAsync(CancellationToken cancellation)
    {
        if (config.AccessKey is not { } key) return ValueTask.FromResult<ProviderAnswer>(new ProviderAnswer.NotConfigured("the network config has no AccessKeyID"));
        if (!warned) logger.KeyInBackendConfig();
        warned = true;
        return ValueTask.FromResult<ProviderAnswer>(new ProviderAnswer.Found(key));
    }
}
