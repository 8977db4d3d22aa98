using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Where the node learns which instance it is.</summary>
internal interface INodeIdentity
{
    /// <summary>Null while it is not known.</summary>
    InstanceIdentity? Current { get; }

    /// <summary>Waits until it is known. Fails when a retry cannot help, such as on a host that is not an ECS instance.</summary>
    Task<Result<InstanceIdentity>> ReadAsync();
}

/// <summary>Reads this node's identity from the metadata service, with retries. <see cref="Start"/> sends the first request early, so that
/// a restart does not wait for the subnet manager and the metadata service one after the other. Nothing is logged until the identity is
/// required (backend alloc rarely requires it).</summary>
internal sealed class NodeIdentity(
    InstanceIdentityReader reader, string mac, TimeProvider time, Random random, ILogger logger, CancellationToken cancellation)
    : INodeIdentity
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private Task<InstanceIdentityResult>? first;
    private volatile InstanceIdentity? current;

    public InstanceIdentity? Current => current;

    /// <summary>Sends the first request.</summary>
    public void Start() => first = RequestAsync();

    public async Task<Result<InstanceIdentity>> ReadAsync()
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        for (var result = await (first ?? RequestAsync()); ; result = await RequestAsync())
        {
            switch (result)
            {
                case InstanceIdentityResult.Identity { Value: var identity }:
                    NodeLog.Identity(
                        logger, identity.InstanceId, identity.ZoneId, identity.VpcId, identity.VSwitchId, identity.NetworkInterfaceId,
                        identity.PrimaryInterface ? "primary" : "secondary");
                    return identity;
                case InstanceIdentityResult.NotAnEcsInstance not:
                    return Result.Failure(
                        $"{not.Reason}; backend ali-vpc requires an ECS instance (backend alloc leases subnets without routes)");
                case InstanceIdentityResult.NoSuchInterface none:
                    return Result.Failure($"{none.Reason}: choose another one with --iface");
                case InstanceIdentityResult.Unreachable unreachable:
                    if (backoff.Failures == 0) NodeLog.IdentityUnavailable(logger, unreachable.Reason);
                    break;
            }

            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }

    private async Task<InstanceIdentityResult> RequestAsync()
    {
        var result = await reader.ReadAsync(mac, cancellation);
        if (result is InstanceIdentityResult.Identity { Value: var identity }) current = identity;
        return result;
    }
}
