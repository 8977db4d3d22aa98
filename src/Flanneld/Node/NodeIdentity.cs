using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Who this node is, or one line that says why this host can have no identity.</summary>
internal abstract record IdentityResult
{
    private IdentityResult()
    {
    }

    public sealed record Known(InstanceIdentity Identity) : IdentityResult;

    public sealed record Impossible(string Reason) : IdentityResult;
}

/// <summary>Where the node learns which instance it is.</summary>
internal interface INodeIdentity
{
    /// <summary>Null while it is not known.</summary>
    InstanceIdentity? Current { get; }

    /// <summary>Waits until it is known, or until asking again cannot help.</summary>
    Task<IdentityResult> ReadAsync();
}

/// <summary>Asks the metadata service who this node is until it knows, or until asking again cannot help. The first question is asked at once, so that a
/// restart waits for the slower of etcd and metadata and not for both; it logs nothing until somebody needs the identity (backend alloc
/// rarely does).</summary>
internal sealed class NodeIdentity(InstanceIdentityReader reader, string mac, TimeProvider time, Random random, ILogger logger, CancellationToken cancellation)
    : INodeIdentity
{
    private Task<InstanceIdentityResult>? first;
    private volatile InstanceIdentity? current;

    public InstanceIdentity? Current => current;

    /// <summary>Asks for the first time.</summary>
    public void Start() => first = AskAsync();

    public async Task<IdentityResult> ReadAsync()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30), random);
        for (var answer = await (first ?? AskAsync()); ; answer = await AskAsync())
        {
            switch (answer)
            {
                case InstanceIdentityResult.Identity { Value: var identity }:
                    NodeLog.Identity(
                        logger, identity.InstanceId, identity.ZoneId, identity.VpcId, identity.VSwitchId, identity.NetworkInterfaceId,
                        identity.PrimaryInterface ? "primary" : "secondary");
                    return new IdentityResult.Known(identity);
                case InstanceIdentityResult.NotAnEcsInstance not:
                    return new IdentityResult.Impossible(
                        $"{not.Line}; backend ali-vpc works on ECS instances only (backend alloc gives leases without routes)");
                case InstanceIdentityResult.NoSuchInterface none:
                    return new IdentityResult.Impossible($"{none.Line}: choose another one with --iface");
                case InstanceIdentityResult.Unreachable unreachable:
                    if (backoff.Failures == 0) NodeLog.IdentityUnreachable(logger, unreachable.Line);
                    break;
            }

            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }

    private async Task<InstanceIdentityResult> AskAsync()
    {
        var answer = await reader.ReadAsync(mac, cancellation);
        if (answer is InstanceIdentityResult.Identity { Value: var identity }) current = identity;
        return answer;
    }
}
