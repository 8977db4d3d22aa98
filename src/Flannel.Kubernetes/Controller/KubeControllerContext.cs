using Flannel.Kubernetes.Registry;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Controller;

/// <summary>What the parts of the route controller in Kubernetes share.</summary>
/// <param name="Namespace">Of the daemon's pod: the Leases are in it.</param>
public sealed record KubeControllerContext(KubeContext Kube, string Namespace)
{
    /// <summary>False with <c>--set-node-network-unavailable=false</c>: the condition of the Nodes stays as it is.</summary>
    public bool SetsNetworkUnavailable { get; init; } = true;

    /// <summary>What this process has read of the Nodes as route controller, for the next one.</summary>
    internal VersionHistory Versions { get; } = new(Kube.Time);

    /// <summary>The leases of all Nodes, for one term.</summary>
    public KubeLeaseWatcher CreateLeaseWatcher(NetConfFile netConf) => new(Kube, netConf) { Versions = Versions };

    internal TimeProvider Time => Kube.Time;

    internal Random Random => Kube.Random;

    internal ILogger Logger => Kube.Logger;

    /// <summary>One for all, so that a missing permission is logged once.</summary>
    internal ControllerApi Api { get; } = new(Kube.Api, Namespace, Kube.Time, Kube.Logger);

    /// <summary>For the candidates of the election. <see cref="Api"/> logs the failures.</summary>
    internal KubeRetryPolicy NewRetryPolicy() => new(Kube, KubeRetryPauses.OfElection, logsFailures: false);
}
