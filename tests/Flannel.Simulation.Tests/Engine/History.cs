using System.Text.RegularExpressions;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;

namespace Flannel.Simulation.Tests.Engine;

/// <param name="Requests">The number of etcd requests of all nodes.</param>
internal sealed record HistoryReport(int Seed, ulong TraceHash, long Steps, long Requests, TimeSpan Length);

/// <summary>One history: an empty etcd, a period with faults, convergence, and a period without faults.</summary>
internal static partial class History
{
    // Covers a watch that became silent at the end of the faults, a lease that expires before its subnet is free, and back-off.
    private static readonly TimeSpan Convergence = TimeSpan.FromSeconds(180);
    // Long enough to detect a watch that became silent at the end of the faults, and to read again (seed 2165).
    private static readonly TimeSpan SteadyState = EtcdDurations.WatchSilence + EtcdDurations.WatchProbe + TimeSpan.FromSeconds(20);

    // Two renewals of a lease, the renewals of a term, a pass of the controller, and events of other nodes.
    private const int RequestsInSteadyState = 120;

    private const int LogLines = 3000;

    /// <exception cref="SimulationFailure">With the seed and the last events.</exception>
    /// <param name="isDualStack">The cluster has IPv6, too.</param>
    public static HistoryReport Run(int seed, bool isDualStack = false)
    {
        try
        {
            return Run(new Scheduler(seed, log: false), seed, isDualStack);
        }
        catch (SimulationFailure first)
        {
            // Repeat the history with a log.
            var scheduler = new Scheduler(seed, log: true);
            var again = "(the repetition passed)";
            try
            {
                Run(scheduler, seed, isDualStack);
            }
            catch (SimulationFailure second)
            {
                again = WithoutIds(second.Message) == WithoutIds(first.Message)
                    ? "" : $"(the repetition failed differently: {second.Message})";
            }

            var kind = isDualStack ? " (dual stack)" : "";
            throw new SimulationFailure(
                $"FLANNEL_SIM_SEED={seed}{kind}: {first.Message} {again}\n{string.Join('\n', scheduler.Log.TakeLast(LogLines))}");
        }
    }

    /// <summary>The cluster id differs in each run and has no influence on the history.</summary>
    private static string WithoutIds(string message) => ClusterIds().Replace(message, "");

    [GeneratedRegex("flannel-[0-9a-f]+")]
    private static partial Regex ClusterIds();

    private static HistoryReport Run(Scheduler scheduler, int seed, bool isDualStack)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            using var cluster = new Cluster(scheduler, 2 + scheduler.Random.Next(5), isDualStack);
            var faults = new FaultInjector(cluster);
            faults.Begin();
            cluster.Run(scheduler.Between(30, 300));
            faults.End();
            Converge(cluster);
            var requests = CheckSteadyState(cluster);
            return new HistoryReport(seed, scheduler.TraceHash, scheduler.Steps, requests, scheduler.Now);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static void Converge(Cluster cluster)
    {
        var limit = cluster.Scheduler.Now + Convergence;
        while (Missing(cluster) is { } missing)
        {
            if (cluster.Scheduler.Now > limit) throw new SimulationFailure($"after {Convergence} without faults: {missing}");
            cluster.Run(cluster.Scheduler.Now + TimeSpan.FromSeconds(1));
        }
    }

    private static long CheckSteadyState(Cluster cluster)
    {
        var before = cluster.Daemons.ToDictionary(daemon => daemon, daemon => daemon.Etcd.Requests);
        cluster.Run(cluster.Scheduler.Now + SteadyState);
        if (Missing(cluster) is { } missing) throw new SimulationFailure($"without faults after convergence: {missing}");
        foreach (var daemon in cluster.Daemons)
        {
            var made = daemon.Etcd.Requests - before.GetValueOrDefault(daemon);
            if (made > RequestsInSteadyState)
                throw new SimulationFailure($"{daemon.Machine.Name} makes {made} requests in {SteadyState} without faults");
        }

        return cluster.Daemons.Sum(daemon => daemon.Etcd.Requests);
    }

    private static string? Missing(Cluster cluster)
    {
        foreach (var machine in cluster.Machines)
        {
            if (IsReady(machine)) continue;
            if (IsRefused(cluster, machine) || (machine.SubnetInFile is null && IsFull(cluster))) continue;
            if (machine.Daemon is not { } daemon) return $"{machine.Name} does not run";
            var failed = daemon.Health.Checks.Where(check => !check.Ok).Select(check => check.Detail);
            return $"{machine.Name} is not ready: {string.Join("; ", failed)}";
        }

        var acting = cluster.Daemons.Count(daemon => daemon.ActsAsController);
        return acting == 1 ? null : $"{acting} controllers";
    }

    /// <summary>Whether another machine with the same address is ready or has a reservation, so that this machine gets no lease. Its file
    /// may stay with a subnet that is reserved for it and that the configuration no longer allows.</summary>
    private static bool IsRefused(Cluster cluster, Machine machine)
    {
        var leases = cluster.Leases().ToList();
        return cluster.Machines.Exists(other => other != machine && other.PublicIp == machine.PublicIp
                && (IsReady(other)
                    || leases.Exists(lease => lease.Pair.Lease == 0 && LeaseHolder.Of(lease.Pair)?.Instance == other.Instance)))
            && (machine.SubnetInFile is not { } subnet
                || leases.Exists(lease => lease.Key.Subnet == subnet && LeaseHolder.Of(lease.Pair)?.Is(machine) == true));
    }

    /// <summary>Whether no subnet of the current configuration is free, because running nodes keep subnets of earlier ones.</summary>
    private static bool IsFull(Cluster cluster) =>
        cluster.Config is { } config && SubnetAllocator.CountFree(config, cluster.Leases().Select(lease => lease.Key.Subnet)) == 0;

    private static bool IsReady(Machine machine) => machine.Daemon is { IsReady: true, Subnet: not null };
}
