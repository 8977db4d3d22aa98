using Flannel.Core;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>The node's life with a lease: every news of it goes to <see cref="NodeReadiness"/>, in order, until it is lost.</summary>
/// <param name="configChanges">Where a change of the network configuration is told.</param>
/// <param name="instanceId">This node's; null for backend alloc.</param>
/// <param name="obstacle">Why this node does not stand for route controller; null while it does.</param>
/// <param name="loops">What else must move for the pulse to be given.</param>
/// <param name="pulse">How often systemd's watchdog wants to hear of this loop; null for never.</param>
internal sealed class NodeLoop(
    NodeReadiness readiness, ConfigChanges configChanges, NodeHealth health, string? instanceId, Func<string?> obstacle,
    SystemdNotifier systemd, LivenessMonitor loops, TimeSpan? pulse, TimeProvider time, ILogger logger)
{
    // The subnet file and nft, and a route state or two from etcd: all have a time-out.
    private static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(10);

    private bool controllerTold;
    private bool hungTold;
    private long? lastPulse;

    /// <summary>Why the node must end.</summary>
    public async Task<string> RunAsync(LeaseKeeper keeper, CancellationToken cancellation)
    {
        using var watched = loops.Begin("the node's loop", LongestWork);
        await readiness.ReconcileAsync(cancellation);
        await using var events = new LeaseEventReader(keeper.KeepAsync, cancellation);
        var next = events.MoveNextAsync();
        while (true)
        {
            await WaitAsync(next, watched, cancellation);
            watched.Busy();
            Pulse();
            if (!next.IsCompleted)
            {
                await readiness.ReconcileAsync(cancellation);
                continue;
            }

            if (!await next) return "the lease is not kept any more";
            var news = events.Current;
            if (news is LeaseEvent.ControllerChanged { Holder: var holder }) Controller(holder);
            if (news is LeaseEvent.ConfigChanged { Config: var config }) configChanges.Tell(config);
            if (await readiness.TakeAsync(news, cancellation) is { } end) return end;
            next = events.MoveNextAsync();
        }
    }

    /// <summary>This loop lives, or it would not be here; the keep-alive is for all of them.</summary>
    private void Pulse()
    {
        if (lastPulse is { } last && time.GetElapsedTime(last) < pulse) return;
        lastPulse = time.GetTimestamp();
        if (loops.Hung is not { } hung)
        {
            if (hungTold) systemd.Status(health.Summary);
            hungTold = false;
            systemd.Alive();
            return;
        }

        if (!hungTold) NodeLog.LoopHangs(logger, hung);
        hungTold = true;
        systemd.Status($"hangs: {hung}");
    }

    private async Task WaitAsync(Task<bool> next, MonitoredLoop watched, CancellationToken cancellation)
    {
        if (next.IsCompleted) return;
        var wait = pulse < NodeReadiness.ReconcileInterval ? pulse.Value : NodeReadiness.ReconcileInterval;
        watched.Idle(wait);
        try
        {
            await TaskWait.WaitAsync(next, wait, time, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The same cancellation ends the keeper; until then there is nothing to do.
            await ((Task)next).ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    private void Controller(ControllerHolder? holder)
    {
        // With backend alloc there is none, and nobody misses it.
        if (instanceId is null) return;
        health.Controller(holder is null ? "" : $"{holder.InstanceId} ({holder.PublicIp})");
        if (holder is not null) NodeLog.Controller(logger, holder.InstanceId, holder.PublicIp);
        else if (obstacle() is { } reason) NodeLog.NoControllerHere(logger, reason);
        else if (controllerTold) NodeLog.NoController(logger);
        controllerTold = true;
    }
}
