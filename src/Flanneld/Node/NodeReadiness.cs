using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.HostNetwork;
using Flannel.RouteController.Execution;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Keeps the <see cref="NodeState"/>, and makes the host agree with it at every event and every few seconds: <c>subnet.env</c>
/// exists exactly while the subnet may be used, health and systemd's status say why, and <c>READY=1</c> comes after the file is
/// written.</summary>
/// <param name="masquerade">What must be in place before the file is written; null without <c>--ip-masq</c>.</param>
internal sealed class NodeReadiness(
    HeldLease held, string? instanceId, SubnetFileReconciler file, Masquerade? masquerade, NodeHealth health, SystemdNotifier systemd,
    TimeProvider time, long startedAt, ILogger logger)
{
    /// <summary>How often the host is compared with the state when nothing happens: others may change the file.</summary>
    public static readonly TimeSpan ReconcileInterval = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool isMasqueradeApplied = masquerade is null;
    private bool isReadyAnnounced;
    private bool isAwaitingLogged;
    private bool isRefusalLogged;
    private string? lastStatus;
    private string? lastMasqueradeError;
    private DateTimeOffset? leaseEnd = held.Life is { } life ? time.GetUtcNow() + life.Remaining(time) : null;

    /// <summary>Completes when the host has been told what etcd said first: what else this process does can wait until then.</summary>
    public Task Settled => settled.Task;

    public NodeState State { get; private set; } = new(held.Lease, instanceId);

    /// <summary>Null to go on; else why the node must end.</summary>
    public async Task<string?> TakeAsync(LeaseEvent news, CancellationToken cancellation)
    {
        var before = State;
        State = before.Apply(news, held.Config);
        if (news is LeaseEvent.Renewed renewed) Renew(renewed);
        if (news is LeaseEvent.RouteStatusChanged && instanceId is not null) LogRoute(before.Route);
        LogRefusalByNewConfig();
        await ReconcileAsync(cancellation);
        if (State.IsRouteRead || instanceId is null) settled.TrySetResult();
        return State.Lease == LeaseState.Lost
            ? $"subnet {State.Subnet} is lost: {State.Reason}; the next start leases a subnet again"
            : null;
    }

    /// <summary>Makes the host agree with the state.</summary>
    public async Task ReconcileAsync(CancellationToken cancellation)
    {
        ReportLease();
        ReportRoute();
        if (State.Use == SubnetUse.Allowed && await MasqueradeErrorAsync(cancellation) is { } error)
        {
            health.File(ok: false, error);
            SendStatus(error);
            return;
        }

        var check = file.Reconcile(State.Use, State.Reason);
        health.File(check.IsCorrect, check.Detail);
        if (check.IsCorrect && !isReadyAnnounced)
        {
            isReadyAnnounced = true;
            NodeLog.Ready(logger, file.Path, (long)time.GetElapsedTime(startedAt).TotalMilliseconds);
            systemd.Ready(lastStatus = health.Summary);
            return;
        }

        SendStatus(State.Use == SubnetUse.Allowed && !check.IsCorrect ? check.Detail : health.Summary);
    }

    private void Renew(LeaseEvent.Renewed renewed)
    {
        leaseEnd = renewed.TimeToLive is { } left ? time.GetUtcNow() + left : null;
        if (State.IsLeaseHeld) health.LeaseHeld(State.Subnet, leaseEnd, renewed: true);
    }

    private void ReportLease()
    {
        if (State.IsLeaseHeld) health.LeaseHeld(State.Subnet, leaseEnd, renewed: false);
        else health.NoLease(State.Lease == LeaseState.Lost ? $"subnet {State.Subnet} is lost: {State.Reason}" : State.Reason);
    }

    private void ReportRoute()
    {
        if (State.InstanceId is null) health.Route(ok: true, null, "backend alloc has none");
        else if (State.Route is not { } route) health.Route(State.IsRefusedByNewConfig, null, "waiting for the route controller");
        else health.Route(route.State == RouteState.Available || State.IsRefusedByNewConfig, route.State, Describe(route));
    }

    private async Task<string?> MasqueradeErrorAsync(CancellationToken cancellation)
    {
        if (isMasqueradeApplied) return null;
        var error = await masquerade!.ApplyAsync(cancellation);
        if (error is not null && error != lastMasqueradeError) NodeLog.FileTrouble(logger, error);
        lastMasqueradeError = error;
        isMasqueradeApplied = error is null;
        return error;
    }

    private void LogRoute(RouteStatus? before)
    {
        if (State.Route is not { } route)
        {
            if (!isAwaitingLogged) NodeLog.RouteAwaited(logger, State.Subnet);
            isAwaitingLogged = true;
            return;
        }

        isAwaitingLogged = false;
        if (before is not null && before.SaysTheSameAs(route)) return;
        var message = route.Message.Length > 0 ? $": {route.Message}" : "";
        if (route.State is RouteState.Available or RouteState.Pending)
            NodeLog.RouteState(logger, State.Subnet, route.State, string.Join(", ", route.RouteTableIds), message);
        else
            NodeLog.RouteFailure(logger, State.Subnet, route.State, message, route.RequestId);
    }

    private void LogRefusalByNewConfig()
    {
        if (State.IsRefusedByNewConfig && !isRefusalLogged)
            NodeLog.RouteStatusNotApplied(logger, State.Subnet, State.Route?.State.ToString() ?? "absent");
        isRefusalLogged = State.IsRefusedByNewConfig;
    }

    private static string Describe(RouteStatus status) =>
        $"{status.State} in {string.Join(", ", status.RouteTableIds)}{(status.Message.Length > 0 ? ": " + status.Message : "")}";

    private void SendStatus(string status)
    {
        if (status == lastStatus) return;
        lastStatus = status;
        systemd.Status(status);
    }
}
