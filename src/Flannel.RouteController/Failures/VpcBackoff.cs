using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;

namespace Flannel.RouteController.Failures;

/// <summary>The back-off of calls that concern a whole VPC. It counts failures in a row and gives the pause before the next
/// attempt.</summary>
internal sealed class VpcBackoff(TimeSpan unreachableLimit, TimeProvider time, Random random)
{
    /// <summary>One failure alone is not reported to the nodes.</summary>
    private const int ReportedFrom = 2;

    private const int CredentialAttempts = 5;

    private readonly Backoff backoff = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), random);
    private readonly Backoff deniedBackoff = new(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), random);
    private CloudError? last;
    private int count;
    private long since;

    public VpcHealth Health { get; private set; } = new VpcHealth.Usable();

    public bool IsFailing => last is not null;

    /// <summary>The reason for nodes without a route; null if there is none to report.</summary>
    public RouteStateReason? Reason => last switch
    {
        null => null,
        { Kind: CloudErrorKind.Denied } => New(RouteState.Denied, last.Denial, last),
        _ when count < ReportedFrom => null,
        { Kind: CloudErrorKind.RefreshCredentials } =>
            New(RouteState.Denied, $"the route controller has no valid credentials: {last.Code}", last),
        { IsThrottling: true } => New(RouteState.Pending, $"the API throttles this account ({last.Code}); retrying", last),
        _ when RouteErrors.IsNoResponse(last) => New(RouteState.Unreachable, $"the API is unavailable: {last.Code}", last),
        _ => New(RouteState.Pending, $"the API responds with {last.Code}; retrying", last),
    };

    /// <returns>The pause before the next attempt.</returns>
    /// <param name="isNextDifferent">The next attempt is another one, such as a smaller batch: only its failure proves that the API is
    /// unavailable.</param>
    public TimeSpan Fail(CloudError error, bool isNextDifferent)
    {
        if (count == 0 || isNextDifferent) since = time.GetTimestamp();
        count++;
        last = error;
        Health = HealthAfter(error);
        return (error.Kind == CloudErrorKind.Denied ? deniedBackoff : backoff).Next(error.RetryAfter);
    }

    public void Recover()
    {
        last = null;
        count = 0;
        backoff.Reset();
        deniedBackoff.Reset();
        Health = new VpcHealth.Usable();
    }

    private static RouteStateReason New(RouteState state, string message, CloudError error) =>
        new(state, message, error.RequestId) { Code = error.Code };

    private VpcHealth HealthAfter(CloudError error) => error switch
    {
        { Kind: CloudErrorKind.Denied } => new VpcHealth.Unusable(new TermResult.Denied(error.DeniedAction ?? error.Code)),
        { Kind: CloudErrorKind.RefreshCredentials } when count >= CredentialAttempts =>
            new VpcHealth.Unusable(new TermResult.NoCredentials(error.Code)),
        _ when RouteErrors.IsNoResponse(error) && time.GetElapsedTime(since) >= unreachableLimit =>
            new VpcHealth.Unusable(new TermResult.Unreachable(error.Code)),
        _ => new VpcHealth.Usable(),
    };
}
