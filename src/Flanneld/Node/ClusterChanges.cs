using Flannel.Core.Leases;
using Flanneld.Controller;

namespace Flanneld.Node;

/// <summary>Reports what changes outside this node: the network configuration and the route controller.</summary>
/// <param name="vacancy">Why no route controller is elected; null for a backend without routes.</param>
internal sealed class ClusterChanges(ConfigChanges config, ControllerChanges controller, ControllerVacancy? vacancy)
{
    /// <summary>Applies what was found out about a missing route controller since the last call.</summary>
    public void ApplyVacancy(NodeReadiness readiness)
    {
        if (vacancy?.Reason is not { Length: > 0 } reason) return;
        if (!readiness.State.IsWaitingForElection || readiness.State.VacancyReason == reason) return;
        controller.ReportVacancy(reason);
        readiness.Apply(new NodeEvent.VacancyExplained(reason));
    }

    public void Report(LeaseEvent change)
    {
        switch (change)
        {
            case LeaseEvent.ConfigChanged changed:
                config.Report(changed.Config);
                break;
            case LeaseEvent.ControllerChanged changed:
                controller.Report(changed.Holder);
                break;
        }
    }
}
