using Flannel.AliCloud.Signing;
using Flannel.Core;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Campaigns while no route controller is elected and this node's credentials allow its work, and controls the routes during each
/// term. While another node is elected this one sends no request to the cloud, except when it becomes the standby.</summary>
/// <param name="cloud">With the credentials that the network configuration and this node give. Disposed with the candidate.</param>
/// <param name="self">This node.</param>
internal sealed class ControllerCandidate(
    CandidateCloud cloud, AliVpcBackendData self, TermRunner terms, TimeProvider time, Random random, ILogger logger)
    : IControllerCandidate
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    // Read by other threads.
    private volatile string? notCandidateReason;
    private bool isCandidateLogged;
    private string? lastLoggedReason;

    public string? NotCandidateReason { get => notCandidateReason; private set => notCandidateReason = value; }

    public string DescribeCredentials()
    {
        if (cloud.Credentials.Provider is not { } provider) return "not used yet";
        return cloud.Credentials.Expiration is { } end
            ? $"from {provider}, valid until {UtcText.Of(end)}"
            : $"from {provider}, without expiry";
    }

    public void SetAccessKey(AccessKey? key) => cloud.Credentials.SetConfiguredKey(key);

    public async Task RunAsync(Task leased, CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            var wasStandby = await terms.WaitForVacancyAsync(MayControlAsync, cancellation);
            // Every request counts until this node is elected. If a permission was withdrawn since, the term ends with the first call.
            var notCandidate = wasStandby ? null : await CheckPermissionsAsync(cancellation);
            NotCandidateReason = notCandidate?.Cause;
            LogCandidacy(notCandidate?.Reason);
            await TaskWait.WaitAsync(leased, Timeout.InfiniteTimeSpan, time, cancellation);
            if (notCandidate is not null)
                await terms.ReportNotCandidateAsync(notCandidate.Reason, notCandidate.RequestId, cancellation);
            // A term that was lost says nothing about this node: it campaigns again at once.
            if (notCandidate is null && await terms.RunAsync(cancellation) is TermResult.Lost)
            {
                backoff.Reset();
                continue;
            }

            await Task.Delay(backoff.Next(notCandidate?.RetryAfter), time, cancellation);
        }
    }

    public void Dispose() => cloud.Dispose();

    /// <param name="reason">Without the request id, which differs at each attempt; null for a candidate.</param>
    private void LogCandidacy(string? reason)
    {
        if (NotCandidateReason is { } cause)
        {
            if (reason != lastLoggedReason) ControllerLog.NotACandidate(logger, cause);
        }
        else if (!isCandidateLogged)
        {
            ControllerLog.Candidate(logger, cloud.Credentials.Provider ?? "an unknown source");
        }

        (isCandidateLogged, lastLoggedReason) = (reason is null, reason);
    }

    private async Task<bool> MayControlAsync(CancellationToken cancellation) => await CheckPermissionsAsync(cancellation) is null;

    /// <summary>Null if this node's credentials allow what a route controller must do.</summary>
    private async Task<NotCandidate?> CheckPermissionsAsync(CancellationToken cancellation)
    {
        switch (await cloud.Credentials.GetAsync(cancellation))
        {
            case CredentialResult.Missing missing: return new NotCandidate(missing.Reason);
            case CredentialResult.Failed failed: return new NotCandidate(failed.Reason);
        }

        var key = $"the key from {cloud.Credentials.Provider}";
        return await PermissionProbe.CanControlAsync(cloud.Api, self, terms.IsVacantAsync, cancellation) switch
        {
            PermissionProbeResult.Denied denied =>
                new NotCandidate($"{key}: missing permission {denied.Action}") { RequestId = denied.RequestId },
            PermissionProbeResult.NoCredentials none => new NotCandidate($"{key} is rejected: {none.Reason}"),
            PermissionProbeResult.Failed failed => new NotCandidate($"the VPC API cannot be used: {failed.Reason}", failed.RetryAfter),
            PermissionProbeResult.Unreachable unreachable => new NotCandidate($"the VPC API is unavailable: {unreachable.Reason}"),
            _ => null,
        };
    }

    /// <param name="Reason">Why this node is not a candidate, one line.</param>
    /// <param name="RetryAfter">When the cloud asks to be called again; null for the usual back-off.</param>
    private sealed record NotCandidate(string Reason, TimeSpan? RetryAfter = null)
    {
        /// <summary>Of the call that shows the reason; empty without one.</summary>
        public string RequestId { get; init; } = "";

        public string Cause => RequestId.Length > 0 ? $"{Reason} (request {RequestId})" : Reason;
    }
}
