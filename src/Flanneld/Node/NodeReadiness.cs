using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Holds the current <see cref="NodeState"/>, and publishes what is derived from it to systemd and the log. One caller applies
/// events; any thread may read.</summary>
/// <param name="subnetManager">Its name in messages.</param>
/// <param name="startedAt">A timestamp of the process' start.</param>
internal sealed class NodeReadiness(
    string subnetManager, SystemdNotifier systemd, ControllerMetrics controllerMetrics, TimeProvider time, long startedAt, ILogger logger)
{
    private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ObservableValue<bool> isReady = new(false);
    private volatile NodeState state = NodeState.Initial with { SubnetManager = subnetManager };
    private bool isReadySent;
    private bool isWaitLogged;
    private string? lastStatus;

    public NodeState State => state;

    /// <summary>One line about lease and route.</summary>
    public string Summary => NodeStatus.Summary(state, controllerMetrics.IsController);

    /// <summary>Completes when the host agrees with the first route status. Other work of this process can wait until then.</summary>
    public Task Settled => settled.Task;

    /// <summary>Completes when READY=1 is sent: containers may run.</summary>
    public Task Ready => ready.Task;

    /// <summary>Whether READY=1 was sent and the subnet may still be used.</summary>
    public bool IsReady => isReady.Current;

    /// <summary>Completes with the next change of <see cref="IsReady"/>.</summary>
    public Task IsReadyChanged => isReady.Changed;

    /// <summary>A change of the lease is published to systemd with the result of the reconcile that follows it.</summary>
    public void Apply(NodeEvent change)
    {
        var before = state;
        state = NodeTransitions.Apply(before, change, time.GetUtcNow());
        switch (change)
        {
            case NodeEvent.LeaseChanged { Change: var lease }:
                if (lease is LeaseEvent.RouteStatusChanged && state.InstanceId is not null) LogRoute(before.Route);
                if (state.IsInFallback != before.IsInFallback && state.IsLeaseHeld) LogFallback();
                if (lease is LeaseEvent.RouteStatusChanged) Ipv6RouteReport.Log(logger, before.Route, state);
                if (state.IsRouteStatusIgnored && !before.IsRouteStatusIgnored)
                    NodeLog.RouteStatusNotApplied(logger, state.Subnet, state.Route?.State.ToString() ?? "absent");
                break;
            case NodeEvent.Waiting or NodeEvent.VacancyExplained:
                SendStatus();
                break;
            case NodeEvent.HostReconciled { SubnetFile: var file }:
                if (file.IsCorrect && !isReadySent) SendReady(file.Detail);
                else SendStatus();
                if (state.IsRouteRead) settled.TrySetResult();
                break;
        }

        var isReadyNow = isReadySent && state.Use == SubnetUse.Allowed && state.SubnetFile.IsCorrect;
        if (isReadyNow != isReady.Current) isReady.Set(isReadyNow);
    }

    private void LogRoute(RouteStatus? before)
    {
        if (state.Route is not { } route)
        {
            if (!isWaitLogged) NodeLog.RouteAwaited(logger, state.Subnet);
            isWaitLogged = true;
            return;
        }

        isWaitLogged = false;
        if (before is not null && (before with { Ipv6 = null }).HasSameContentAs(route with { Ipv6 = null })) return;
        var message = route.Message.Length > 0 ? $": {route.Message}" : "";
        if (route.State is RouteState.Available or RouteState.Pending)
            NodeLog.RouteState(logger, state.Subnet, route.State, string.Join(", ", route.RouteTableIds), message);
        else
            NodeLog.RouteFailure(logger, state.Subnet, route.State, message, route.RequestId);
    }

    private void LogFallback()
    {
        if (state.IsInFallback) NodeLog.FallbackUsed(logger, state.Subnet, state.Route?.State.ToString() ?? "absent");
        else NodeLog.FallbackEnded(logger, state.Subnet);
    }

    private void SendReady(string file)
    {
        isReadySent = true;
        NodeLog.Ready(logger, file, (long)time.GetElapsedTime(startedAt).TotalMilliseconds);
        systemd.Ready(lastStatus = Summary);
        ready.TrySetResult();
    }

    private void SendStatus()
    {
        var status = NodeStatus.StatusLine(state, controllerMetrics.IsController);
        if (status == lastStatus) return;
        lastStatus = status;
        systemd.Status(status);
    }
}
