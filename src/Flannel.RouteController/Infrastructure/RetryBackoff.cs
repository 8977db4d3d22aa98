using Flannel.AliCloud.Http;
using Flannel.Core;

namespace Flannel.RouteController.Infrastructure;

internal static class RetryBackoff
{
    /// <summary>Keeps the callers of one service from returning at the same moment.</summary>
    private static readonly TimeSpan Jitter = TimeSpan.FromMilliseconds(300);

    /// <summary>The pause before a failed call is repeated: what the service asks for and at most <see cref="Jitter"/> more, or the growing
    /// pause without such a hint.</summary>
    public static TimeSpan Next(this Backoff backoff, CloudError error)
    {
        var pause = backoff.Next();
        if (error.RetryAfter is not { } hint) return pause;
        return hint + (pause < Jitter ? pause : Jitter);
    }
}
