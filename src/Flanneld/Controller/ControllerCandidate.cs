using Flannel.AliCloud.Signing;
using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.RouteController;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Clients;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Stands for the election of the route controller when there is none and this node's credentials allow it, and works each term that it wins. While another
/// node is route controller this one asks nothing of the cloud.</summary>
/// <param name="cloud">With the credentials that the network configuration and this node give.</param>
/// <param name="self">This node.</param>
/// <param name="follow">A follower of the leases; one for each term, since only a controller needs to see them all.</param>
internal sealed class ControllerCandidate(
    ICloudAccess cloud, AliVpcBackendData self, EtcdElection election, Func<LeaseWatcher> follow, EtcdKeys keys,
    RouteControllerOptions options, ControllerMetrics metrics,
    LivenessMonitor loops, TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    /// <summary>So that the candidates of a throttled account do not all come back at the moment that the service names.</summary>
    private static readonly TimeSpan Jitter = TimeSpan.FromSeconds(1);

    private string? told;

    /// <summary>Why this node does not stand; null while it does.</summary>
    public string? Obstacle { get; private set; }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var pauses = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            await election.ObserveAsync(cancellation);
            var found = await FindObstacleAsync(cancellation);
            Obstacle = found?.Reason;
            if (found is not null)
            {
                if (told != found.Reason) NodeLog.NotACandidate(logger, told = found.Reason);
            }
            else
            {
                if (told != "") NodeLog.Candidate(logger, cloud.Credentials.Provider ?? "nowhere");
                told = "";
                await using var term = await election.CampaignAsync(cancellation);
                var end = await WorkAsync(term, cancellation);
                cancellation.ThrowIfCancellationRequested();
                NodeLog.TermEnded(logger, end.ToString());
                // A term that was merely lost says nothing about this node: it may stand again at once.
                if (end is TermResult.Lost)
                {
                    pauses.Reset();
                    continue;
                }
            }

            var pause = pauses.Next();
            if (found?.RetryAfter is { } hint) pause = hint + Jitter * random.NextDouble();
            await Task.Delay(pause, time, cancellation);
        }
    }

    private async Task<TermResult> WorkAsync(ElectedTerm term, CancellationToken cancellation)
    {
        NodeLog.Elected(logger);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var follower = follow();
        var following = follower.RunAsync(over.Token);
        var controller = new ClusterReconciler(options, new EtcdLeaseSource(follower), cloud.Api, time, random, logger, loops);
        metrics.Begin(controller);
        try
        {
            var working = controller.RunAsync(new EtcdControllerTerm(term, keys, time, random, logger), over.Token);
            await Task.WhenAny(working, following);
            if (working.IsCompleted) return await working;
            // Without the leases the controller would act on what it saw last, for ever.
            over.Cancel();
            await ((Task)working).ConfigureAwait(TaskWait.IgnoringFailure);
            await following;
            throw new InvalidOperationException("the leases are not followed any more");
        }
        finally
        {
            metrics.End();
            over.Cancel();
            await following.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    /// <summary>Null when this node's credentials allow what a controller must do.</summary>
    private async Task<NotCandidate?> FindObstacleAsync(CancellationToken cancellation)
    {
        switch (await cloud.Credentials.GetAsync(cancellation))
        {
            case CredentialResult.Missing missing: return new NotCandidate(missing.Reason);
            case CredentialResult.Failed failed: return new NotCandidate(failed.Reason);
        }

        var key = $"the key from {cloud.Credentials.Provider}";
        return await PermissionProbe.CanControlAsync(cloud.Api, self, cancellation) switch
        {
            PermissionProbeResult.Denied denied => new NotCandidate($"{key} lacks the RAM action {denied.Action} (request id {denied.RequestId})"),
            PermissionProbeResult.NoCredentials none => new NotCandidate($"{key} is refused: {none.Reason}"),
            PermissionProbeResult.Failed failed => new NotCandidate($"the VPC API cannot be used: {failed.Reason}", failed.RetryAfter),
            PermissionProbeResult.Unreachable unreachable => new NotCandidate($"the VPC API is unavailable: {unreachable.Reason}"),
            _ => null,
        };
    }

    /// <param name="Reason">Why this node is no candidate, one line.</param>
    /// <param name="RetryAfter">When the cloud asks to be called again; null for the usual back-off.</param>
    private sealed record NotCandidate(string Reason, TimeSpan? RetryAfter = null);
}
