using Flannel.Core;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Backends;

namespace Flanneld.Vxlan;

/// <summary>Keeps the tunnel in agreement with the leases: after each change of a lease, and every five seconds, because another program
/// may change the host.</summary>
/// <param name="loops">Monitors this loop.</param>
internal sealed class VxlanLoop(
    VxlanReconciler reconciler, ClusterSnapshots leases, VxlanReport report, LivenessMonitor loops, TimeProvider time)
{
    /// <summary>How often the host is compared with the leases without a change.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Many nodes that start together are one pass, not one each.
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(100);

    // A pass is at most nine commands, each with a time-out.
    private static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(5);

    private readonly ForwardingState state = new($"waiting for {leases.Awaited}");

    public IForwarding Forwarding => state;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var monitored = loops.Begin("the VXLAN loop", LongestWork);
        while (true)
        {
            var changed = leases.Changed;
            var wait = Interval;
            if (leases.Current is { } snapshot)
            {
                if (await RunPassAsync(snapshot, cancellation)) wait = FallbackTable.SettleTime;
                monitored.Idle(ShortestInterval);
                await Task.Delay(ShortestInterval, time, cancellation);
            }

            monitored.Idle(wait);
            await TaskWait.WaitAsync(changed, wait, time, cancellation);
            monitored.Busy();
        }
    }

    /// <returns>Whether the next pass is due after <see cref="FallbackTable.SettleTime"/>.</returns>
    private async Task<bool> RunPassAsync(ClusterSnapshot snapshot, CancellationToken cancellation)
    {
        var result = await reconciler.ReconcileAsync(snapshot, cancellation);
        report.Add(result, snapshot.Generation);
        state.Set(result.Error, result.Ok ? result.Value.Peers : null);
        return result is { Ok: true, Value.IsSettling: true };
    }
}
