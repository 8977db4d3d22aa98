using Flannel.Core.Routes;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Logs which node is the route controller.</summary>
/// <param name="isRouteRequired">False for a backend without routes, which needs no route controller.</param>
/// <param name="notCandidateReason">Why this node is not a candidate; null while it is one.</param>
internal sealed class ControllerChanges(bool isRouteRequired, Func<string?> notCandidateReason, ILogger logger)
{
    private bool isLogged;

    public void Report(ControllerHolder? holder)
    {
        if (!isRouteRequired) return;
        if (holder is not null) ControllerLog.CurrentController(logger, holder.InstanceId, holder.PublicIp);
        else if (notCandidateReason() is { } reason) ControllerLog.NoControllerAndNotACandidate(logger, reason);
        // Directly after the start, the first election has not ended yet.
        else if (isLogged) ControllerLog.NoController(logger);
        isLogged = true;
    }
}
