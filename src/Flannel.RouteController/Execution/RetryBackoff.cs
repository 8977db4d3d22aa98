using Flannel.AliCloud.Http;
using Flannel.Core;

namespace Flannel.RouteController.Execution;

internal static class RetryBackoff
{
    /// <summary>The most that a pause is longer than the service asks for.</summary>
    private static readonly TimeSpan Jitter = TimeSpan.FromMilliseconds(300);

    /// <summary>The pause before a failed call is repeated: what the service asks for and a little more, so that its callers do not return
    /// in step; without a hint the growing one.</summary>
    public static TimeSpan Next(this Backoff backoff, CloudError error)
    {
        var pause = backoff.Next();
        if (error.RetryAfter is not { } hint) return pause;
        return hint + (pause < Jitter ? pause : Jitter);
    }
}
