using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Commands.Output;

namespace Flanneld.Commands.Check;

/// <summary>What the route controller published about this node's route. Pure.</summary>
internal static class OwnRoute
{
    private static readonly CheckKind Kind = CheckKind.OwnRoute;

    /// <param name="status">Null if there is none that can be read.</param>
    /// <param name="hasFallback">A node without its route is reached through the tunnel.</param>
    public static CheckResult Describe(Lease lease, RouteStatus? status, bool hasFallback)
    {
        var instance = LeaseInstance.Read(lease.Attributes)?.Id;
        if (status is null || instance is null || !status.IsFor(lease.Subnet, instance))
        {
            return CheckResult.Warning(
                Kind, $"{lease.Subnet} has no status yet", "start a route controller: a daemon whose instance may write routes");
        }

        var detail = $"{lease.Subnet} is {RouteStatusText.Of(status)}";
        if (hasFallback && RouteFallback.Next(false, status))
        {
            return CheckResult.Warning(
                Kind, $"{detail}; reached through the VXLAN tunnel", "the traffic moves to the route when it exists");
        }

        return status.State switch
        {
            RouteState.Available => CheckResult.Ok(Kind, detail),
            RouteState.Pending => CheckResult.Warning(Kind, detail, "wait: the route controller writes it"),
            RouteState.Unreachable => CheckResult.Warning(Kind, detail, "run 'flanneld check' on the node of the route controller"),
            RouteState.QuotaExceeded => CheckResult.Problem(
                Kind, detail, "request more entries for the route table, or delete unused ones"),
            RouteState.Conflict => CheckResult.Problem(
                Kind, detail, "delete or change the entry that the line names: see 'flanneld routes'"),
            RouteState.Denied => CheckResult.Problem(
                Kind, detail, "grant the action to the RAM role of the instances that may write routes"),
            RouteState.Released => CheckResult.Note(Kind, detail),
            _ => CheckResult.Problem(Kind, detail, "see the route controller's log"),
        };
    }
}
