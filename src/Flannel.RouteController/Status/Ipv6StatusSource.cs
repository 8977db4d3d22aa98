using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>Derives the state of each node's IPv6 route from a plan.</summary>
/// <param name="ipv4">What stops the whole VPC stops IPv6 as well.</param>
internal sealed class Ipv6StatusSource(
    RouteStateReader reader, VpcFailures ipv4, VpcFailures ipv6, Ipv6QuotaShare share, StatusDebouncer debouncer)
{
    /// <summary>The states by lease key.</summary>
    public IReadOnlyDictionary<string, Ipv6RouteStatus> Of(VpcPlan plan)
    {
        var desired = plan.Desired;
        debouncer.Begin(desired);
        var served = reader.ServedBy(plan);
        return desired.Nodes.Select(node => debouncer.Of(node, StateOf(node, served), isCheckKnown: true))
            .Concat(desired.Unroutable.Select(debouncer.Unroutable))
            .ToDictionary(update => update.Lease.Key.ToString(), Convert);
    }

    private NodeRouteState StateOf(DesiredRoute node, ServedActions served)
    {
        var state = reader.StateOf(node, served, ipv4.Reason ?? ipv6.Reason, remark: null);
        return state with { Tables = [.. state.Tables.Select(table => table with { Failure = table.Failure ?? QuotaReasonOf(table) })] };
    }

    private RouteStateReason? QuotaReasonOf(TableRouteState table) =>
        table.Action is RouteAction.Create create ? share.RejectionOf(create) : null;

    private static Ipv6RouteStatus Convert(RouteStatusUpdate update) =>
        new(update.Status.Subnet, update.Status.State, update.Status.Message, update.Status.RequestId) { Tables = update.Status.Tables };
}
