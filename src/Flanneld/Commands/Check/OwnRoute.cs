using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flanneld.Commands.Check;

/// <summary>What the route controller published about this node's route. Pure.</summary>
internal static class OwnRoute
{
    private const string Subject = "route of this node";

    /// <param name="status">Null if there is none that can be read.</param>
    /// <param name="hasFallback">A node without its route is reached through the tunnel.</param>
    public static CheckResult Describe(Lease lease, RouteStatus? status, bool hasFallback)
    {
        var instance = LeaseInstance.Read(lease.Attributes)?.Id;
        if (status is null || instance is null || !status.IsFor(lease.Subnet, instance))
        {
            return CheckResult.Warning(
                Subject, $"{lease.Subnet} has no status yet", "start a route controller: a daemon whose instance may write routes");
        }

        var message = status.Message.Length > 0 ? $": {status.Message}" : "";
        var request = status.RequestId.Length > 0 ? $" (request {status.RequestId})" : "";
        var detail = $"{lease.Subnet} is {status.State} in {string.Join(", ", status.RouteTableIds)}{message}{request}";
        if (hasFallback && RouteFallback.Next(false, status))
            return CheckResult.Warning(Subject, $"{detail}; reached through the VXLAN tunnel", "the traffic moves to the route when it exists");
        return status.State switch
        {
            RouteState.Available => CheckResult.Ok(Subject, detail),
            RouteState.Pending => CheckResult.Warning(Subject, detail, "wait: the route controller writes it"),
            RouteState.Unreachable => CheckResult.Warning(Subject, detail, "see the checks of the cloud below, on the route controller's node"),
            RouteState.QuotaExceeded => CheckResult.Problem(Subject, detail, "request more entries for the route table, or delete unused ones"),
            RouteState.Conflict => CheckResult.Problem(Subject, detail, "delete or change the entry that the line names: see 'flanneld routes'"),
            RouteState.Denied => CheckResult.Problem(
                Subject, detail, "grant the action to the RAM role of the instances that may write routes"),
            RouteState.Released => CheckResult.Note(Subject, detail),
            _ => CheckResult.Problem(Subject, detail, "see the route controller's log"),
        };
    }
}
