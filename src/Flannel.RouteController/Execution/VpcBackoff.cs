using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Execution;

/// <summary>What stops a whole VPC: counts failures in a row, and gives the pause before the next attempt.</summary>
internal sealed class VpcBackoff(TimeSpan unreachableLimit, TimeProvider time, Random random)
{
    private const int WorthMentioning = 2;
    private const int NoMoreCredentials = 5;
    private readonly Backoff pauses = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), random);
    private readonly Backoff slowPauses = new(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), random);
    private CloudError? last;
    private int count;
    private long since;

    public VpcHealth Health { get; private set; } = new VpcHealth.Fine();

    public bool IsFailing => last is not null;

    /// <summary>What nodes without a route are told; null as long as it is not worth a word.</summary>
    public (RouteState State, string Text, string RequestId)? ForNodes => last switch
    {
        null => null,
        { Kind: CloudErrorKind.Denied } denied => (RouteState.Denied, denied.Denial, denied.RequestId),
        _ when count < WorthMentioning => null,
        { Kind: CloudErrorKind.RefreshCredentials } => (RouteState.Denied, $"the controller has no valid credentials: {last.Code}", last.RequestId),
        { IsThrottling: true } => (RouteState.Pending, $"the API throttles this account ({last.Code}); retrying", last.RequestId),
        _ when RouteErrors.IsNoAnswer(last) => (RouteState.Unreachable, $"the API gives no answer: {last.Code}", last.RequestId),
        _ => (RouteState.Pending, $"the API answers {last.Code}, trying again", last.RequestId),
    };

    /// <summary>The pause that the error asks for.</summary>
    /// <param name="isNextDifferent">The next attempt is another one, such as a smaller batch: only its failure proves that the API is
    /// unavailable.</param>
    public TimeSpan Fail(CloudError error, bool isNextDifferent = false)
    {
        if (count == 0 || isNextDifferent) since = time.GetTimestamp();
        count++;
        last = error;
        Health = error switch
        {
            { Kind: CloudErrorKind.Denied } => new VpcHealth.Hopeless(new TermResult.Denied(error.DeniedAction ?? error.Code)),
            { Kind: CloudErrorKind.RefreshCredentials } when count >= NoMoreCredentials =>
                new VpcHealth.Hopeless(new TermResult.NoCredentials(error.Code)),
            _ when RouteErrors.IsNoAnswer(error) && time.GetElapsedTime(since) >= unreachableLimit =>
                new VpcHealth.Hopeless(new TermResult.Unreachable(error.Code)),
            _ => new VpcHealth.Fine(),
        };
        return (error.Kind == CloudErrorKind.Denied ? slowPauses : pauses).Next(error);
    }

    public void Recover(VpcId vpc, ILogger log)
    {
        if (ForNodes is not null) RouteControllerLog.Recovered(log, vpc);
        last = null;
        count = 0;
        pauses.Reset();
        slowPauses.Reset();
        Health = new VpcHealth.Fine();
    }

    public static void Tell(VpcId vpc, CloudError error, TimeSpan pause, ILogger log)
    {
        if (error.Kind == CloudErrorKind.Denied) RouteControllerLog.Denied(log, vpc, error.Denial, error.RequestNote);
        else RouteControllerLog.Waiting(log, vpc, (long)pause.TotalMilliseconds, error.Code, error.Message, error.RequestNote);
    }
}
