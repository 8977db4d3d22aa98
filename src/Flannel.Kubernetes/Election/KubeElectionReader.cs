using Flannel.Core.Routes;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Election;

/// <summary>Reads the election's Lease for a node. Thread-safe.</summary>
public sealed class KubeElectionReader(KubeControllerContext context) : IKubeElectionReader
{
    private readonly ControllerApi api = context.Api;
    private readonly KubeNonCandidateStore candidates = new(context);
    private readonly Lock gate = new();
    private readonly LeaseObserver observer = new(context.Time);

    /// <inheritdoc/>
    /// <remarks>A holder that does not renew the Lease any more is recognized by the second read, at least 15 s later.</remarks>
    public async Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation)
    {
        var lease = await api.GetLeaseAsync(ControllerObjects.ElectionName, cancellation);
        lock (gate) return observer.IsVacant(lease) ? null : ControllerObjects.HolderOf(lease);
    }

    public Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation) =>
        candidates.ReadAsync(limit, cancellation);

    public Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation) =>
        candidates.DeleteAsync(instanceId, cancellation);
}
