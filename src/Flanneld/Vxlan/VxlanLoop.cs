using Flannel.Core;
using Flanneld.Backends;

namespace Flanneld.Vxlan;

/// <summary>Keeps the tunnel in agreement with the leases: after each change of a lease, and every five seconds, because another program
/// may change the host.</summary>
/// <param name="loops">Monitors this loop.</param>
internal sealed class VxlanLoop(
    VxlanReconciler reconciler, LeaseSnapshots leases, VxlanReport report, LivenessMonitor loops, TimeProvider time)
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
            if (leases.Current is { } snapshot)
            {
                await RunPassAsync(snapshot, cancellation);
                monitored.Idle(ShortestInterval);
                await Task.Delay(ShortestInterval, time, cancellation);
            }

            monitored.Idle(Interval);
            await TaskWait.WaitAsync(changed, Interval, time, cancellation);
            monitored.Busy();
        }
    }

    private async Task RunPassAsync(ClusterSnapshot snapshot, CancellationToken cancellation)
    {
        var result = await reconciler.ReconcileAsync(snapshot, cancellation);
        report.Add(result, snapshot.Generation);
        state.Set(result.Error, result.Ok ? result.Value.Peers : null);
    }
}
