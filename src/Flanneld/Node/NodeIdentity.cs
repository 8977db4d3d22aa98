using Flannel.AliVpc.Metadata;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Asks the metadata service who this node is until it knows, or until asking again cannot help. The first question is asked at once, so that a
/// restart waits for the slower of etcd and metadata and not for both; it stays silent until somebody wants the answer (backend alloc never does).</summary>
internal sealed class NodeIdentity(InstanceIdentityReader reader, string mac, TimeProvider time, Random random, ILogger logger, CancellationToken cancellation)
{
    private readonly Task<IdentityAnswer> first = reader.ReadAsync(mac, cancellation);

    /// <summary>The identity, or one line that says why this host can have none.</summary>
    public async Task<(InstanceIdentity? Identity, string Error)> ReadAsync()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30), random);
        for (var answer = await first.ConfigureAwait(false); ; answer = await reader.ReadAsync(mac, cancellation).ConfigureAwait(false))
        {
            switch (answer)
            {
                case IdentityAnswer.Identity { Value: var identity }:
                    NodeLog.Identity(
                        logger, identity.InstanceId, identity.ZoneId, identity.VpcId, identity.VSwitchId, identity.NetworkInterfaceId,
                        identity.PrimaryInterface ? "primary" : "secondary");
                    return (identity, "");
                case IdentityAnswer.NotAnEcsInstance not:
                    return (null, $"{not.Line}; backend ali-vpc works on ECS instances only (backend alloc gives leases without routes)");
                case IdentityAnswer.NoSuchInterface none:
                    return (null, $"{none.Line}: choose another one with --iface");
                case IdentityAnswer.Unreachable unreachable:
                    if (backoff.Failures == 0) NodeLog.IdentityUnreachable(logger, unreachable.Line);
                    break;
            }

            await Task.Delay(backoff.Next(), time, cancellation).ConfigureAwait(false);
        }
    }
}
