using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Leasing;
using Flanneld.Host;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Turns what etcd says of this node into what the host is told: <c>subnet.env</c> stands exactly while the lease is held and its route is
/// available; <c>READY=1</c> comes after it is written.</summary>
/// <param name="instanceId">Null for backend alloc: no route is waited for.</param>
/// <param name="masquerade">What must be in place before the file may stand; null without <c>--ip-masq</c>.</param>
internal sealed class NodeReadiness(
    SubnetEnv subnetEnv, string? instanceId, SubnetFile file, SystemdNotifier systemd, NodeHealth health, Masquerade? masquerade,
    TimeProvider time, long startedAt, ILogger logger)
{
    private static readonly TimeSpan FileRetry = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool leaseHeld;
    private bool statusSeen;
    private RouteStatus? route;
    private bool written;
    private bool announced;
    private bool ownerAwaited;
    private string? fileTrouble;
    private DateTimeOffset? until;

    /// <summary>Completes when the host has been told what the first look at etcd showed: what else this process does can wait until then.</summary>
    public Task Settled => settled.Task;

    /// <summary>When the file must be tried again; null when there is nothing to do.</summary>
    public TimeSpan? RetryAfter { get; private set; }

    private Ipv4Network Subnet => subnetEnv.Subnet;

    private bool MayUse => leaseHeld && (instanceId is null || route?.State == RouteState.Available);

    /// <summary>Null to go on; else why the node must end.</summary>
    public async Task<string?> TakeAsync(LeaseEvent news, CancellationToken cancellation)
    {
        switch (news)
        {
            case LeaseEvent.Confirmed:
                leaseHeld = true;
                health.LeaseHeld(Subnet, until, renewed: false);
                break;
            case LeaseEvent.Renewed renewed:
                until = renewed.TimeToLive is { } left ? time.GetUtcNow() + left : null;
                if (leaseHeld) health.LeaseHeld(Subnet, until, renewed: true);
                break;
            case LeaseEvent.Unreachable:
                break; // the connection says so; the lease is still held
            case LeaseEvent.Expired:
                leaseHeld = false;
                health.NoLease("the lease expired while etcd was out of reach");
                break;
            case LeaseEvent.Lost lost:
                leaseHeld = false;
                health.NoLease(lost.Reason);
                Withdraw(lost.Reason);
                systemd.Status($"subnet {Subnet} is lost: {lost.Reason}");
                return $"subnet {Subnet} is lost: {lost.Reason}; the next start takes a subnet again";
            case LeaseEvent.RouteStatusChanged changed:
                TakeStatus(changed.Status);
                break;
        }

        await SettleAsync(cancellation).ConfigureAwait(false);
        if (statusSeen || instanceId is null) settled.TrySetResult();
        return null;
    }

    /// <summary>The lease's end, as it was acquired.</summary>
    public void Begin(LeaseLife? life)
    {
        until = life is { } l ? time.GetUtcNow() + l.Remaining(time) : null;
        if (instanceId is null) health.Route(ok: true, null, "backend alloc has none");
        else health.Route(ok: false, null, "waiting for the route controller");
    }

    /// <summary>Makes the host agree with what is known.</summary>
    public async Task SettleAsync(CancellationToken cancellation)
    {
        RetryAfter = null;
        if (!MayUse)
        {
            // Until the first word on the route an earlier run's file is neither right nor wrong.
            if (instanceId is null || statusSeen || !leaseHeld) Withdraw(leaseHeld ? $"the route is {route?.State.ToString() ?? "not made yet"}" : "the lease is not held");
        }
        else if (!written)
        {
            var error = (masquerade is null ? null : await masquerade.ApplyAsync(cancellation).ConfigureAwait(false)) ?? file.Write(subnetEnv);
            if (error is not null)
            {
                FileTrouble(error);
                health.File(ok: false, error);
                systemd.Status(error);
                RetryAfter = FileRetry;
                return;
            }

            written = true;
            fileTrouble = null;
            health.File(ok: true, file.Path);
        }

        if (written && !announced)
        {
            announced = true;
            NodeLog.Ready(logger, file.Path, (long)time.GetElapsedTime(startedAt).TotalMilliseconds);
            systemd.Ready(health.Summary);
        }
        else
        {
            systemd.Status(health.Summary);
        }
    }

    private void TakeStatus(RouteStatus? status)
    {
        if (instanceId is null) return;
        statusSeen = true;
        // Somebody else's word on a subnet that is ours by now: the controller will say a new one.
        var mine = status is not null && status.SpeaksOf(Subnet, instanceId) ? status : null;
        if (mine is null)
        {
            route = null;
            health.Route(ok: false, null, "waiting for the route controller");
            if (!ownerAwaited) NodeLog.RouteAwaited(logger, Subnet);
            ownerAwaited = true;
            return;
        }

        ownerAwaited = false;
        if (route is null || !route.SaysTheSameAs(mine)) Report(mine);
        route = mine;
        health.Route(mine.State == RouteState.Available, mine.State, Describe(mine));
    }

    private void Report(RouteStatus status)
    {
        var message = status.Message.Length > 0 ? $": {status.Message}" : "";
        if (status.State is RouteState.Available or RouteState.Pending)
            NodeLog.RouteState(logger, Subnet, status.State, string.Join(", ", status.RouteTableIds), message);
        else
            NodeLog.RouteTrouble(logger, Subnet, status.State, message, status.RequestId);
    }

    private static string Describe(RouteStatus status) =>
        $"{status.State} in {string.Join(", ", status.RouteTableIds)}{(status.Message.Length > 0 ? ": " + status.Message : "")}";

    /// <summary>Tried every few seconds, told once.</summary>
    private void FileTrouble(string error)
    {
        if (error != fileTrouble) NodeLog.FileTrouble(logger, error);
        fileTrouble = error;
    }

    private void Withdraw(string reason)
    {
        health.File(ok: false, reason);
        written = false;
        if (!File.Exists(file.Path)) return;
        if (file.Remove() is { } error)
        {
            FileTrouble(error);
            RetryAfter = FileRetry;
        }
        else
        {
            fileTrouble = null;
            NodeLog.FileRemoved(logger, file.Path, reason);
        }
    }
}
