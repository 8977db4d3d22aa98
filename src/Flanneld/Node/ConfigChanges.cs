using Flannel.AliCloud.Signing;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>What a change of the network configuration means for a node that runs: nothing. It goes on with what it started under, as
/// upstream's nodes do, because whatever runs in its subnet cannot move; the operator restarts it when it may. One line per change
/// says what the restart will bring. An access key in it is no setting of a running node, but a credential: the present one is used.</summary>
/// <param name="setAccessKey">Takes the key of the configuration that was read last; null for one without a key.</param>
internal sealed class ConfigChanges(HeldLease held, ILogger logger, Action<AccessKey?>? setAccessKey = null)
{
    private AccessKey? accessKey = AccessKeyOf(held.Config);

    public void Tell(ConfigState config)
    {
        var (text, needsCare) = Describe(config);
        if (needsCare) NodeLog.ConfigChangedCare(logger, text);
        else NodeLog.ConfigChanged(logger, text);
        if (config is not ConfigState.Present { Config: var now }) return;
        TakeAccessKey(now);
        foreach (var line in NodeBackend.Warnings(now)) NodeLog.ConfigWarning(logger, line);
    }

    private static AccessKey? AccessKeyOf(NetworkConfig config) =>
        NodeBackend.NeedsRoutes(config) && NodeBackend.Refusal(config) is null ? Connections.Backend(config).AccessKey : null;

    private void TakeAccessKey(NetworkConfig now)
    {
        if (!NodeBackend.NeedsRoutes(now) || NodeBackend.Refusal(now) is not null) return;
        var key = AccessKeyOf(now);
        if (key is null ? accessKey is null : accessKey?.IsSameAs(key) == true) return;
        accessKey = key;
        NodeLog.AccessKeyChanged(
            logger, key is null ? "no access key any more: the next source of credentials is used" : "another access key, which is used from now on");
        setAccessKey?.Invoke(key);
    }

    /// <returns>The line, and whether somebody should look.</returns>
    internal (string Text, bool NeedsCare) Describe(ConfigState config)
    {
        switch (config)
        {
            case ConfigState.Refused refused:
                return ($"is refused now ({refused.Error}): this node goes on without it, one that starts now waits for a better one", true);
            case ConfigState.Present present:
                return Describe(present.Config);
            default:
                return ("was deleted: this node goes on without it, one that starts now waits for another", true);
        }
    }

    private (string Text, bool NeedsCare) Describe(NetworkConfig now)
    {
        var before = held.Config;
        if (NodeBackend.Refusal(now) is { } refusal) return ($"is one that this build cannot serve ({refusal}): this node goes on with what it started under, its next start waits for a better one", true);
        if (!SubnetAllocator.Fits(now, held.Lease.Subnet))
            return ($"is {now} now, and subnet {held.Lease.Subnet} does not fit it: this node keeps the subnet until it is restarted, and takes another then", true);
        if (now.BackendType != before.BackendType)
            return ($"asks for backend {now.BackendType} now: this node goes on with {before.BackendType} until it is restarted", true);
        if (now.Network != before.Network)
            return ($"is {now} now: this node keeps its subnet, and tells its containers of the new network when it is restarted", true);
        return (now.IsSameAs(before)
            ? "was written again: nothing in it changes for this node"
            : "changed in what this node does not need now; a restart takes it", false);
    }

    /// <summary>Whether nothing in it is other than what a node started under.</summary>
    public static bool IsSame(ConfigState now, NetworkConfig before) =>
        now is ConfigState.Present present && present.Config.IsSameAs(before);
}
