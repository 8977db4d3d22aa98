using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>The key in the network configuration, which an operator may replace while the daemon runs. Thread-safe.</summary>
/// <param name="key">Null for a configuration without one.</param>
public sealed class ConfiguredKey(AccessKey? key)
{
    private volatile AccessKey? current = key;

    /// <summary>As of the configuration that was read last; null for one without a key.</summary>
    public AccessKey? Current
    {
        get => current;
        set => current = value;
    }
}
