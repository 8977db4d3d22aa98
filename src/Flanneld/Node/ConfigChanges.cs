using Flannel.AliCloud.Signing;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flanneld.Backends;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Reports changes of the network configuration. A running node keeps the configuration that it started under, as upstream's nodes
/// do: its containers cannot move to another subnet. One line per change says what a restart will change. An access key is not a setting
/// of a running node but a credential: the current one is used.</summary>
/// <param name="leased">Its configuration is the one that the node keeps until it restarts.</param>
/// <param name="setAccessKey">Receives the key of the last configuration; null for a configuration without a key.</param>
internal sealed class ConfigChanges(LeasedSubnet leased, ILogger logger, Action<AccessKey?>? setAccessKey = null)
{
    private const string Consequence = "running nodes keep the previous one; a node that starts waits for a new one";

    private readonly BackendCache backends = new();
    private AccessKey? accessKey = AccessKeyOf(leased.Backend);

    public void Report(ConfigState config)
    {
        var change = Describe(config);
        if (change.IsWarning) NodeLog.ConfigChangedWarning(logger, change.Text);
        else NodeLog.ConfigChanged(logger, change.Text);
        if (config is not ConfigState.Present { Config: var current }) return;
        var backend = backends.Get(current);
        if (backend.Ok && backend.Value.RequiresRoute) UseAccessKey(AccessKeyOf(backend.Value));
        foreach (var line in BackendFactory.Warnings(current)) NodeLog.ConfigWarning(logger, line);
    }

    internal ConfigChange Describe(ConfigState config) => config switch
    {
        ConfigState.Invalid invalid => new($"is invalid ({invalid.Error}): {Consequence}", true),
        ConfigState.Present present => Describe(present.Config),
        _ => new($"was deleted: {Consequence}", true),
    };

    /// <summary>Whether the configuration has the same effect as the one that the node started under.</summary>
    public static bool IsSame(ConfigState config, NetworkConfig startedUnder) =>
        config is ConfigState.Present present && present.Config.IsSameAs(startedUnder);

    private ConfigChange Describe(NetworkConfig config)
    {
        var (lease, startedUnder) = (leased.Held.Lease, leased.Held.Config);
        var backend = backends.Get(config);
        if (!backend.Ok)
            return new($"is not supported by this build ({backend.Error}): {Consequence}", true);
        var differences = ChangedConfigKeys.Between(startedUnder, config);
        if (differences.Count == 0) return new("was written again without a change for this node", false);
        var change = $"changed ({string.Join(", ", differences)})";
        if (!SubnetAllocator.Fits(config, lease.Subnet))
        {
            return new(
                $"{change}: subnet {lease.Subnet} does not fit; this node keeps it until it restarts, and then leases another one", true);
        }

        if (config.BackendType != startedUnder.BackendType)
            return new($"{change}: this node keeps backend {startedUnder.BackendType} until it restarts", true);
        if (config.Network != startedUnder.Network)
            return new($"{change}: this node keeps its subnet, and publishes the new network when it restarts", true);
        return IsAccessKeyOnly(differences)
            ? new($"{change}: it is used now", false)
            : new($"{change}: this node reads it when it restarts", false);
    }

    private static bool IsAccessKeyOnly(IReadOnlyList<string> differences) =>
        differences.All(difference => difference.StartsWith("Backend.AccessKey", StringComparison.OrdinalIgnoreCase));

    private static AccessKey? AccessKeyOf(IBackend backend) => (backend as AliVpcBackend)?.Config.AccessKey;

    private void UseAccessKey(AccessKey? key)
    {
        var isSame = key is null ? accessKey is null : accessKey?.IsSameAs(key) == true;
        if (isSame) return;
        accessKey = key;
        NodeLog.AccessKeyChanged(
            logger,
            key is null ? "no longer has an access key: the next credential source is used" : "has a new access key: it is used now");
        setAccessKey?.Invoke(key);
    }
}

/// <summary>A change of the network configuration.</summary>
/// <param name="Text">The end of a sentence that begins with "the network configuration".</param>
/// <param name="IsWarning">A restart changes the node's subnet, backend or network, or cannot succeed.</param>
internal sealed record ConfigChange(string Text, bool IsWarning);
