using Flannel.AliCloud.Signing;
using Flannel.Core;
using Flannel.RouteController;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Clients;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Competes for the election of the route controller while there is none and this node's credentials allow its work, and works
/// each term. While another node is elected this one sends no request to the cloud.</summary>
/// <param name="cloud">With the credentials that the network configuration and this node give.</param>
/// <param name="self">This node.</param>
/// <param name="createReconciler">Creates the reconciler of one term. It watches all leases, which only a controller needs.</param>
internal sealed class ControllerCandidate(
    ICloudAccess cloud, AliVpcBackendData self, IElection election, Func<ClusterReconciler> createReconciler, ControllerMetrics metrics,
    TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    /// <summary>The last logged reason; empty if the last logged state is "candidate".</summary>
    private string? lastLogged;

    /// <summary>Why this node does not compete; null while it does.</summary>
    public string? NotCandidateReason { get; private set; }

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            await election.ObserveAsync(cancellation);
            var notCandidate = await CheckPermissionsAsync(cancellation);
            NotCandidateReason = notCandidate?.Reason;
            if (notCandidate is not null)
            {
                if (lastLogged != notCandidate.Reason) NodeLog.NotACandidate(logger, lastLogged = notCandidate.Reason);
            }
            else
            {
                if (lastLogged != "") NodeLog.Candidate(logger, cloud.Credentials.Provider ?? "nowhere");
                lastLogged = "";
                // A term that was merely lost says nothing about this node: it competes again at once.
                if (await WorkTermAsync(cancellation) is TermResult.Lost)
                {
                    backoff.Reset();
                    continue;
                }
            }

            await Task.Delay(backoff.Next(notCandidate?.RetryAfter), time, cancellation);
        }
    }

    private async Task<TermResult> WorkTermAsync(CancellationToken cancellation)
    {
        await using var term = await election.CampaignAsync(cancellation);
        NodeLog.Elected(logger);
        var reconciler = createReconciler();
        metrics.Begin(reconciler);
        try
        {
            var result = await reconciler.RunAsync(term, cancellation);
            cancellation.ThrowIfCancellationRequested();
            NodeLog.TermEnded(logger, result.ToString());
            return result;
        }
        finally
        {
            metrics.End();
        }
    }

    /// <summary>Null if this node's credentials allow what a controller must do.</summary>
    private async Task<NotCandidate?> CheckPermissionsAsync(CancellationToken cancellation)
    {
        switch (await cloud.Credentials.GetAsync(cancellation))
        {
            case CredentialResult.Missing missing: return new NotCandidate(missing.Reason);
            case CredentialResult.Failed failed: return new NotCandidate(failed.Reason);
        }

        var key = $"the key from {cloud.Credentials.Provider}";
        return await PermissionProbe.CanControlAsync(cloud.Api, self, cancellation) switch
        {
            PermissionProbeResult.Denied denied =>
                new NotCandidate($"{key}: missing permission {denied.Action} (request {denied.RequestId})"),
            PermissionProbeResult.NoCredentials none => new NotCandidate($"{key} is rejected: {none.Reason}"),
            PermissionProbeResult.Failed failed => new NotCandidate($"the VPC API cannot be used: {failed.Reason}", failed.RetryAfter),
            PermissionProbeResult.Unreachable unreachable => new NotCandidate($"the VPC API is unavailable: {unreachable.Reason}"),
            _ => null,
        };
    }

    /// <param name="Reason">Why this node is no candidate, one line.</param>
    /// <param name="RetryAfter">When the cloud asks to be called again; null for the usual back-off.</param>
    private sealed record NotCandidate(string Reason, TimeSpan? RetryAfter = null);
}
