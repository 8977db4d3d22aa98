using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>The key of the network config, which an operator may replace while the daemon runs. Thread-safe.</summary>
/// <param name="key">Null for a config without one.</param>
public sealed class ConfiguredKey(AccessKey? key)
{
    private volatile AccessKey? current = key;

    /// <summary>The key of the config that was read last; null for a config without one.</summary>
    public AccessKey? Current
    {
        get => current;
        set => current = value;
    }
}
