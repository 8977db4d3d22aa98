using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>The outcome of <see cref="RouteStatusPublisher.PublishAsync"/>.</summary>
/// <param name="IsTermHeld">False if the term is over.</param>
/// <param name="HasDeferred">Whether a status was left out.</param>
internal readonly record struct Publication(bool IsTermHeld, bool HasDeferred);

/// <summary>Derives the status of each node from a plan, and publishes the statuses that changed.</summary>
internal sealed class RouteStatusPublisher(
    VpcTables tables, VpcFailures failures, RouteStateReader reader, InterfaceChecks checks, StatusDebouncer debouncer,
    PublishedStatusCache published)
{
    /// <param name="ipv6">The states of IPv6 by lease key.</param>
    /// <param name="defersPending">Leaves out the first status of a subnet that says nothing but that its route is not there yet: the next
    /// pass, directly after the write, may say that it is. One write to the store less is one time less that the node waits for
    /// it.</param>
    public async Task<Publication> PublishAsync(
        VpcPlan plan, IReadOnlyDictionary<string, Ipv6RouteStatus> ipv6, bool defersPending, CancellationToken cancellation)
    {
        var desired = plan.Desired;
        debouncer.Begin(desired);
        var served = reader.ServedBy(plan);
        List<RouteStatusUpdate> updates = [.. desired.Nodes.Select(node => StatusOf(node, served))];
        updates.AddRange(desired.Unroutable.Select(debouncer.Unroutable));
        // A table that could not be read, or is not known yet, may still have the route.
        var isComplete = tables.IsCurrent(desired) && !tables.HasUnresolvedVSwitches && plan.HasRead(tables.Serving);
        var deletions = desired.Released.Count == 0 ? [] : DeletionsIn(plan);
        updates.AddRange(desired.Released.Select(node => Released(node, deletions.GetValueOrDefault(node.Destination), isComplete)));
        List<RouteStatusUpdate> due = [.. updates.Select(WithIpv6).Where(update => !defersPending || !IsFirstPending(update))];
        return new Publication(await published.PublishAsync(due, cancellation), due.Count < updates.Count);

        RouteStatusUpdate WithIpv6(RouteStatusUpdate update) => ipv6.TryGetValue(update.Lease.Key.ToString(), out var status)
            ? update with { Status = update.Status with { Ipv6 = status } }
            : update;
    }

    private bool IsFirstPending(RouteStatusUpdate update) =>
        update.Status is { State: RouteState.Pending, Message: "" } && !published.Has(update.Lease.Key);

    private RouteStatusUpdate StatusOf(DesiredRoute node, ServedActions served)
    {
        var check = checks.Of(node.Node.NetworkInterfaceId);
        return debouncer.Of(node, reader.StateOf(node, served, failures.Reason, check.Problem), check.IsKnown);
    }

    /// <summary>The first action for each destination whose route is being deleted, or will be.</summary>
    private static Dictionary<IpNetwork, RouteAction> DeletionsIn(VpcPlan plan) => plan.Actions
        .Where(action => action is RouteAction.Delete { Released: not null } or RouteAction.KeepInTransition)
        .DistinctBy(action => action.Destination).ToDictionary(action => action.Destination);

    /// <param name="deletion">Null if no table has the route any more.</param>
    private RouteStatusUpdate Released(DesiredRoute node, RouteAction? deletion, bool isComplete)
    {
        var requestId = deletion is null ? null : failures.Routes.Of(deletion)?.Reason.RequestId;
        return debouncer.Released(node, isComplete && deletion is null, requestId ?? "");
    }
}
