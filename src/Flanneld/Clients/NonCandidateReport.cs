using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;

namespace Flanneld.Clients;

/// <summary>Publishes why this node is not a candidate, under the etcd lease of its subnet.</summary>
/// <param name="held">The lease as it is now; null without one.</param>
internal sealed class NonCandidateReport(NonCandidateStore store, ControllerHolder self, Func<Lease?> held, TimeProvider time)
{
    public async Task PublishAsync(string reason, string requestId, CancellationToken cancellation)
    {
        if (held() is not { } lease) return;
        try
        {
            await store.PublishAsync(
                lease, new NonCandidate(self.InstanceId, self.PublicIp, reason, requestId, time.GetUtcNow()), cancellation);
        }
        catch (EtcdException)
        {
            // Only an explanation is missing; the candidate calls again after its pause.
        }
    }
}
