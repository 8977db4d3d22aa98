using Flannel.Kubernetes.Election;
using Flannel.RouteController.Abstractions;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>The election of the route controller by a Lease in Kubernetes.</summary>
internal sealed class KubeRouteControllerElection(KubeElection election, TimeProvider time, Random random, ILogger logger) : IElection
{
    public Task<bool> ObserveAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation) =>
        election.ObserveAsync(mayControl, cancellation);

    public Task<bool> IsVacantAsync(CancellationToken cancellation) => election.IsVacantAsync(cancellation);

    public async Task<IElectedTerm> CampaignAsync(CancellationToken cancellation) =>
        new StoreRouteControllerTerm(
            await election.CampaignAsync(cancellation), new StoreRequestRetry(time, random), time, logger);

    public Task ReportNotCandidateAsync(string reason, string requestId, CancellationToken cancellation) =>
        election.ReportNotCandidateAsync(reason, requestId, cancellation);
}
