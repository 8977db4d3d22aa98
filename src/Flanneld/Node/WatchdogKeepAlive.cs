using Flannel.Core;
using Flanneld.Host;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Sends systemd's watchdog keep-alive while all loops of the process make progress (<c>WatchdogSec</c>,
/// systemd.service(5)).</summary>
/// <param name="interval">Between two keep-alives; null without a watchdog.</param>
internal sealed class WatchdogKeepAlive(
    SystemdNotifier systemd, NodeReadiness readiness, LivenessMonitor loops, TimeSpan? interval, TimeProvider time, ILogger logger)
{
    private bool isStuck;
    private long? lastSent;

    /// <summary>How long the caller may wait until the next <see cref="Send"/>.</summary>
    public TimeSpan Shorter(TimeSpan wait) => interval < wait ? interval.Value : wait;

    /// <summary>Called by the node's loop, which lives if it calls this.</summary>
    public void Send()
    {
        if (lastSent is { } last && time.GetElapsedTime(last) < interval) return;
        lastSent = time.GetTimestamp();
        if (loops.Hung is not { } stuck)
        {
            if (isStuck) systemd.Status(readiness.Summary);
            isStuck = false;
            systemd.Alive();
            return;
        }

        if (!isStuck) NodeLog.LoopStuck(logger, stuck);
        isStuck = true;
        systemd.Status($"hangs: {stuck}");
    }
}
