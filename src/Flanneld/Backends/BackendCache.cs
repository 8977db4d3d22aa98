using Flannel.Core;
using Flannel.Core.Configuration;

namespace Flanneld.Backends;

/// <summary>The backend of the network configuration that was used last. Parses the JSON of the backend once for each configuration, not
/// for each use. Not thread-safe.</summary>
internal sealed class BackendCache
{
    private NetworkConfig? lastConfig;
    private Result<IBackend>? lastResult;

    /// <inheritdoc cref="BackendFactory.Create"/>
    public Result<IBackend> Get(NetworkConfig config)
    {
        if (lastResult is { } known && lastConfig!.IsSameAs(config)) return known;
        lastConfig = config;
        return lastResult = BackendFactory.Create(config);
    }
}
