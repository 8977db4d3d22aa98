using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;

namespace Flannel.Kubernetes.Registry;

/// <summary>What a node reads of the election of the route controller. Thread-safe. Methods throw <see cref="KubeException"/>.</summary>
public interface IKubeElectionReader
{
    /// <summary>The elected route controller; null if none is elected.</summary>
    Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation);

    /// <summary>The nodes that are not candidates, as <see cref="Flannel.Core.Leases.ISubnetManager.ReadNonCandidatesAsync"/> returns
    /// them.</summary>
    Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation);

    /// <summary>Deletes what an earlier run of a node published. Can be repeated.</summary>
    Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation);
}
