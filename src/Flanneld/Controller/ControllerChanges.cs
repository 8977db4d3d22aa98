using Flannel.Core.Routes;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Logs which node is the route controller.</summary>
/// <param name="isRouteRequired">False for a backend without routes, which needs no route controller.</param>
/// <param name="notCandidateReason">Why this node is not a candidate; null while it is one.</param>
internal sealed class ControllerChanges(bool isRouteRequired, Func<string?> notCandidateReason, ILogger logger)
{
    private bool isLogged;
    private bool isVacancyLogged;

    public void Report(ControllerHolder? holder)
    {
        if (!isRouteRequired) return;
        isVacancyLogged = false;
        if (holder is not null) ControllerLog.CurrentController(logger, holder.InstanceId, holder.PublicIp);
        else if (notCandidateReason() is { } reason) ControllerLog.Vacant(logger, $"this node is not a candidate: {reason}");
        // Directly after the start, the first election has not ended yet.
        else if (isLogged) ControllerLog.NoController(logger);
        isLogged = true;
    }

    /// <summary>Logs why none is elected, once until one is: the reasons of later nodes are in <c>/readyz</c>.</summary>
    public void ReportVacancy(string reason)
    {
        if (isVacancyLogged) return;
        isVacancyLogged = true;
        ControllerLog.Vacant(logger, reason);
    }
}
