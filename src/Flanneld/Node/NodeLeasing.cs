using Flannel.AliVpc.Metadata;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Etcd.Leasing;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>From nothing to a held lease: waits for a configuration that this build can serve, then takes the node's subnet.</summary>
/// <param name="onConfigMissing">Called when there is no configuration, once for each time.</param>
/// <param name="identity">Asked for only when the configuration needs routes; started before, so that it costs no time.</param>
internal sealed class NodeLeasing(
    SubnetRegistry registry, string configKey, Func<Task<(InstanceIdentity? Identity, string Error)>> identity,
    Ipv4Address publicIp, string? publicIpv6, NodeHealth health, Action<string> tell, ILogger logger, Action? onConfigMissing = null)
{
    // etcd is watched meanwhile; this is only how long a wait may take before the reason is checked anew.
    private static readonly TimeSpan Recheck = TimeSpan.FromMinutes(5);

    private InstanceIdentity? self;

    /// <summary>A held lease and who holds it, or one line that says why waiting cannot help.</summary>
    public async Task<(HeldLease? Lease, InstanceIdentity? Identity, string Error)> TakeAsync(Ipv4Network? previous, CancellationToken cancellation)
    {
        var owner = new LeaseOwner(publicIp, previous);
        RegistryState? known = null;
        string? refused = null;
        while (true)
        {
            try
            {
                known = await registry.WaitForConfigAsync(Trouble, cancellation, known, owner).ConfigureAwait(false);
            }
            catch (Flannel.Etcd.EtcdException e)
            {
                return (null, null, $"etcd: {e.Message}");
            }

            var config = ((ConfigState.Present)known.Config).Config;
            if (NodeBackend.Refusal(config) is { } refusal)
            {
                if (refused != refusal) Refuse(refused = refusal);
                await registry.WaitForConfigChangeAsync(known.Revision, Recheck, cancellation).ConfigureAwait(false);
                known = null;
                continue;
            }

            Facts(config);
            if (NodeBackend.NeedsRoutes(config) && self is null)
            {
                Waiting("waiting for the metadata service to say which instance this is");
                (self, var error) = await identity().ConfigureAwait(false);
                if (self is null) return (null, null, error);
            }

            var request = new AcquireRequest(owner, c => NodeBackend.AttributesFor(c, publicIp, publicIpv6, self))
            {
                Excluded = RangesOf(self?.VSwitchRange),
                Avoided = RangesOf(self?.VpcRange),
                VpcId = self?.VpcId,
            };
            var result = await registry.AcquireAsync(request, cancellation, known).ConfigureAwait(false);
            known = null;
            switch (result)
            {
                case AcquireResult.Held held:
                    NodeLog.Subnet(logger, held.Lease.Lease.Subnet, How(held.Lease));
                    return (held.Lease, self, "");
                case AcquireResult.Refused error:
                    return (null, null, $"etcd: {error.Error.Message}");
                case AcquireResult.OutOfSubnets full:
                    NodeLog.OutOfSubnets(logger, full.Config.SubnetCount, full.Config.Network);
                    Waiting("out of subnets: waiting for one to become free");
                    await registry.WaitForRoomAsync(full.Revision, Recheck, cancellation).ConfigureAwait(false);
                    break;
                case AcquireResult.NoConfig or AcquireResult.NotWanted:
                    break; // the configuration changed under way: look at the new one
            }
        }
    }

    private static Ipv4Network[] RangesOf(Ipv4Network? range) => range is { } known ? [known] : [];

    private static string How(HeldLease held) => held switch
    {
        { Lease.IsReservation: true } => "is reserved for this node",
        { WasFound: true } => "was this node's before",
        _ => "is new for this node",
    };

    private void Facts(NetworkConfig config)
    {
        NodeLog.Config(logger, config.Network, config.SubnetLength, config.SubnetMin, config.SubnetMax, config.BackendType);
        if (config.Ipv6Network is not null) NodeLog.Ipv6NotRouted(logger);
        foreach (var line in NodeBackend.Warnings(config)) NodeLog.ConfigWarning(logger, line);
    }

    private void Trouble(ConfigState state)
    {
        if (state is ConfigState.Refused refused) Refuse(refused.Error);
        else
        {
            NodeLog.ConfigMissing(logger, configKey);
            onConfigMissing?.Invoke();
            Waiting($"waiting for the network configuration at {configKey}");
        }
    }

    private void Refuse(string error)
    {
        NodeLog.ConfigRefused(logger, configKey, error);
        Waiting($"the network configuration at {configKey} is refused: {error}");
    }

    private void Waiting(string what)
    {
        health.NoLease(what);
        tell(what);
    }
}
