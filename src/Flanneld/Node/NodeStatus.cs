using Flannel.Core;
using Flannel.Core.Routes;
using Flanneld.Observability;

namespace Flanneld.Node;

/// <summary>The texts that people and programs read about a <see cref="NodeState"/>. Pure.</summary>
internal static class NodeStatus
{
    /// <summary>The name of the check about <c>subnet.env</c>.</summary>
    public const string SubnetFileCheck = "subnet-file";

    /// <summary>The checks of <c>/readyz</c>, in order.</summary>
    public static IReadOnlyList<ReadinessCheck> Checks(NodeState state) =>
    [
        new("lease", state.IsLeaseHeld, Lease(state)),
        RouteCheck(state),
        .. Ipv6RouteReport.Check(state) is { } ipv6 ? [ipv6] : Array.Empty<ReadinessCheck>(),
        new(SubnetFileCheck, state.SubnetFile.IsCorrect, state.SubnetFile.Detail),
    ];

    /// <summary>One line about lease and route.</summary>
    public static string Summary(NodeState state, bool isController)
    {
        if (!state.IsLeaseHeld) return Lease(state);
        var summary = $"subnet {state.Subnet}, route: {RouteCheck(state).Detail}";
        if (isController) return $"{summary}, this node is the route controller";
        // Without a status, the text of the route names it.
        return state.Controller.Length > 0 && state.Route is not null ? $"{summary}, route controller {state.Controller}" : summary;
    }

    /// <summary>The state for an operator, one line each.</summary>
    public static IEnumerable<string> Describe(NodeState state, bool isController) =>
    [
        Summary(state, isController),
        $"subnet may be used: {state.Use}, instance {state.InstanceId ?? "not required"}, lease renewals {state.Renewals}",
        state.Config is { } config
            ? $"configuration {config}{(state.IsConfigChanged ? ", changed since the start" : "")}"
            : "configuration not applied yet",
        .. Checks(state).Select(check => $"check {check.Name} {(check.Ok ? "ok" : "failed")}: {check.Detail}"),
    ];

    /// <summary>One line for systemd: the summary, or why a subnet that may be used is not published.</summary>
    public static string StatusLine(NodeState state, bool isController) =>
        state.Use == SubnetUse.Allowed && !state.SubnetFile.IsCorrect ? state.SubnetFile.Detail : Summary(state, isController);

    /// <summary>Why the process ends when the lease is lost.</summary>
    public static string EndReason(NodeState state) => $"{Lease(state)}; the next start leases a subnet again";

    private static string Lease(NodeState state) => state.LeaseState switch
    {
        LeaseState.Acquired or LeaseState.Confirmed => DescribeHeld(state),
        LeaseState.Lost => $"subnet {state.Subnet} is lost: {state.LossReason}",
        _ => state.ForbiddenReason,
    };

    /// <summary>A reservation does not expire, and nor does a lease in Kubernetes.</summary>
    private static string DescribeHeld(NodeState state)
    {
        if (state.LeaseEnd is { } end) return $"{state.Subnet} until {UtcText.Of(end)}";
        return state.Lease is { IsReservation: true } ? $"{state.Subnet}, a reservation" : state.Subnet.ToString();
    }

    private static ReadinessCheck RouteCheck(NodeState state)
    {
        const string name = "route";
        if (state.Lease is null) return new(name, false, "no lease yet");
        if (state.InstanceId is null) return new(name, true, "not required by the backend");
        var isUsable = state.IsInFallback || state.IsRouteStatusIgnored;
        var fallback = state.IsInFallback ? "; reached through the VXLAN tunnel" : "";
        if (state.Route is not { } route) return new(name, isUsable, $"waiting for the route controller{Controller(state)}{fallback}");
        var message = route.Message.Length > 0 ? $": {route.Message}" : "";
        return new(
            name, route.State == RouteState.Available || isUsable,
            $"{route.StateAndTables()}{message}{Vacancy(state)}{fallback}");
    }

    /// <summary>Why the route controller has not published a status.</summary>
    private static string Controller(NodeState state)
    {
        if (!state.IsControllerRead) return "";
        if (state.Controller.Length > 0) return $" {state.Controller}, which has published no status yet";
        return $": {(state.VacancyReason.Length > 0 ? state.VacancyReason : "none is elected")}";
    }

    /// <summary>A status that is not Available stays as it is until a route controller is elected.</summary>
    private static string Vacancy(NodeState state) =>
        state.IsWaitingForElection && state.VacancyReason.Length > 0 ? $"; no route controller: {state.VacancyReason}" : "";
}
