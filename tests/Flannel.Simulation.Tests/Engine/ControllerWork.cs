using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd;
using Flannel.Etcd.Control;
using Flannel.Etcd.Leasing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>A controller without a cloud: every lease's route is available as soon as it is seen.</summary>
internal sealed class ControllerWork(Cluster cluster, Daemon daemon, ControllerTerm term, TimeProvider clock, Random random)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Resync = TimeSpan.FromSeconds(20);

    public async Task RunAsync(Action begun, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation, term.Lost);
        var follower = new LeaseFollower(daemon.Etcd, cluster.Keys, clock, random, NullLogger.Instance);
        var following = follower.RunAsync(over.Token);
        begun();
        try
        {
            await WorkAsync(follower, over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
        }
        finally
        {
            over.Cancel();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    private async Task WorkAsync(LeaseFollower follower, CancellationToken cancellation)
    {
        while (true)
        {
            var view = follower.CurrentAsync(CancellationToken.None).AsTask();
            // The follower's own waits with a cancellation would resume on the thread pool: they are cancelled here.
            await TaskWait.WaitAsync(view, Timeout.InfiniteTimeSpan, clock, cancellation);
            var snapshot = await view;
            try
            {
                if (!await PublishAsync(snapshot, cancellation)) return;
            }
            catch (EtcdException)
            {
                // Again after the pause.
            }

            // Some hand over for no reason.
            if (random.NextDouble() < 0.01) return;
            await Task.Delay(Pause, clock, cancellation);
            await TaskWait.WaitAsync(follower.ChangedAfterAsync(snapshot.Generation, CancellationToken.None), Resync, clock, cancellation);
        }
    }

    private async Task<bool> PublishAsync(LeaseSnapshot snapshot, CancellationToken cancellation)
    {
        var there = await term.Statuses.ReadAllAsync(cancellation);
        var missing = new List<(Lease, RouteStatus)>();
        foreach (var lease in snapshot.Leases)
        {
            if (lease.Attributes.BackendData is not { } data) continue;
            var instance = cluster.Machines.FirstOrDefault(machine => machine.PublicIp == lease.Attributes.PublicIp)?.Instance ?? data;
            var status = new RouteStatus(
                lease.Subnet.ToString(), instance, ["vtb-1"], RouteState.Available, "", "", clock.GetUtcNow());
            if (!there.TryGetValue(lease.Key.ToString(), out var old) || !old.SaysTheSameAs(status)) missing.Add((lease, status));
        }

        if (random.NextDouble() < 0.3 && !await term.StillHeldAsync(cancellation)) return false;
        if (!(await term.Statuses.PublishAsync(missing, cancellation)).IsTermHeld) return false;
        var leased = snapshot.Leases.Select(lease => lease.Key.ToString()).ToHashSet(StringComparer.Ordinal);
        var stale = there.Keys.Where(key => !leased.Contains(key)).Order(StringComparer.Ordinal).ToList();
        return await term.Statuses.DeleteAsync(stale, cancellation);
    }
}
