using Flannel.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Registry;

/// <summary>The collaborators that all users of the Nodes of one cluster share.</summary>
public sealed record KubeContext(IKubeApi Api, NodeAnnotations Annotations, TimeProvider Time, Random Random, ILogger Logger)
{
    internal NodeLeaseReader Leases { get; } = new(Annotations);

    internal ApiAvailability Availability { get; } = new(Api.Address, Time, Logger);

    internal KubeRetryPolicy NewRetryPolicy() => new(this, KubeRetryPauses.OfNodes, logsFailures: true);
}
