using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Abstractions;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>The election of the route controller by a key in etcd.</summary>
internal sealed class EtcdRouteControllerElection(
    EtcdElection election, NonCandidateReport report, EtcdContext context, ILogger logger) : IElection
{
    public Task<bool> ObserveAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation) =>
        election.ObserveAsync(mayControl, cancellation);

    public Task<bool> IsVacantAsync(CancellationToken cancellation) => election.IsVacantAsync(cancellation);

    public async Task<IElectedTerm> CampaignAsync(CancellationToken cancellation) =>
        new StoreRouteControllerTerm(
            await election.CampaignAsync(cancellation), new EtcdRequestRetry(context.Keys, context.Time, context.Random, logger),
            context.Time, logger);

    public Task ReportNotCandidateAsync(string reason, string requestId, CancellationToken cancellation) =>
        report.PublishAsync(reason, requestId, cancellation);
}
