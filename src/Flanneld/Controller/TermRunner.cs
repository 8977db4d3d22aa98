using Flannel.RouteController;
using Flannel.RouteController.Abstractions;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Campaigns in the election of the route controller, and reconciles the routes during a term.</summary>
/// <param name="createReconciler">Creates the reconciler of one term. It watches all leases, which only a route controller needs.</param>
internal sealed class TermRunner(
    IElection election, Func<ClusterReconciler> createReconciler, ControllerMetrics metrics, TimeProvider time, ILogger logger)
{
    /// <inheritdoc cref="IElection.ObserveAsync"/>
    public Task<bool> WaitForVacancyAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation) =>
        election.ObserveAsync(mayControl, cancellation);

    /// <inheritdoc cref="IElection.IsVacantAsync"/>
    public Task<bool> IsVacantAsync(CancellationToken cancellation) => election.IsVacantAsync(cancellation);

    /// <inheritdoc cref="IElection.ReportNotCandidateAsync"/>
    public Task ReportNotCandidateAsync(string reason, string requestId, CancellationToken cancellation) =>
        election.ReportNotCandidateAsync(reason, requestId, cancellation);

    /// <summary>Campaigns until this node is elected, and controls the routes until the term ends.</summary>
    public async Task<TermResult> RunAsync(CancellationToken cancellation)
    {
        await using var term = await election.CampaignAsync(cancellation);
        ControllerLog.Elected(logger);
        var reconciler = createReconciler();
        var end = TermEnd.Resigned;
        metrics.Begin(reconciler, time.GetUtcNow());
        try
        {
            var result = await reconciler.RunAsync(term, cancellation);
            cancellation.ThrowIfCancellationRequested();
            if (result is TermResult.Lost) end = TermEnd.Lost;
            ControllerLog.TermEnded(logger, result.ToString());
            return result;
        }
        finally
        {
            metrics.End(end);
        }
    }
}
