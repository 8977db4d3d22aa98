using System.Text.RegularExpressions;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Execution;

namespace Flannel.Simulation.Tests.Engine;

/// <param name="Requests">Of all nodes.</param>
internal sealed record HistoryReport(int Seed, ulong TraceHash, long Steps, long Requests, TimeSpan Length);

/// <summary>One history, from an empty etcd through a time of trouble to a time of peace.</summary>
internal static partial class History
{
    // A watch that fell silent at the last moment, a lease that must end before its subnet is free, and the pauses between attempts.
    private static readonly TimeSpan Convergence = TimeSpan.FromSeconds(180);
    // A watch that was cut off silently at the last moment of trouble is noticed only after this long, and then read anew (seed 2165).
    private static readonly TimeSpan SteadyState = EtcdDurations.WatchSilence + EtcdDurations.WatchProgress + TimeSpan.FromSeconds(20);

    // In peace: two renewals of a lease, those of a term, one of the controller's rounds, and the news of others.
    private const int RequestsInSteadyState = 120;

    private const int LogLines = 3000;

    /// <exception cref="SimulationFailure">With the seed and the last events.</exception>
    public static HistoryReport Run(int seed)
    {
        try
        {
            return Run(new Scheduler(seed, log: false), seed);
        }
        catch (SimulationFailure first)
        {
            // The same again, with a pen.
            var scheduler = new Scheduler(seed, log: true);
            var again = "(did not fail again!)";
            try
            {
                Run(scheduler, seed);
            }
            catch (SimulationFailure second)
            {
                again = WithoutIds(second.Message) == WithoutIds(first.Message) ? "" : $"(failed differently: {second.Message})";
            }

            throw new SimulationFailure($"FLANNEL_SIM_SEED={seed}: {first.Message} {again}\n{string.Join('\n', scheduler.Log.TakeLast(LogLines))}");
        }
    }

    /// <summary>A cluster's id is random in each run, and decides nothing.</summary>
    private static string WithoutIds(string message) => ClusterIds().Replace(message, "");

    [GeneratedRegex("flannel-[0-9a-f]+")]
    private static partial Regex ClusterIds();

    private static HistoryReport Run(Scheduler scheduler, int seed)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            using var cluster = new Cluster(scheduler, 2 + scheduler.Random.Next(5));
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
        if (Missing(cluster) is { } missing) throw new SimulationFailure($"in peace: {missing}");
        foreach (var daemon in cluster.Daemons)
        {
            var made = daemon.Etcd.Requests - before.GetValueOrDefault(daemon);
            if (made > RequestsInSteadyState) throw new SimulationFailure($"{daemon.Machine.Name} makes {made} requests in {SteadyState} of peace");
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

    /// <summary>Whether another machine with its address is ready or has a reservation: this one is refused as long as that is so. Its file
    /// may stay, with a subnet that is reserved for it and that the configuration does not allow any more.</summary>
    private static bool IsRefused(Cluster cluster, Machine machine)
    {
        var leases = cluster.Leases().ToList();
        return cluster.Machines.Exists(other => other != machine && other.PublicIp == machine.PublicIp
                && (IsReady(other) || leases.Exists(lease => lease.Pair.Lease == 0 && LeaseHolder.Of(lease.Pair)?.Instance == other.Instance)))
            && (machine.SubnetInFile is not { } subnet
                || leases.Exists(lease => lease.Key.Subnet == subnet && LeaseHolder.Of(lease.Pair)?.Is(machine) == true));
    }

    /// <summary>Whether the subnets that running nodes keep, longer than those of the present configuration, leave no room.</summary>
    private static bool IsFull(Cluster cluster) =>
        LeaseReader.ReadConfig(cluster.Store.Find(cluster.Keys.Config)) is ConfigState.Present { Config: var config }
        && SubnetAllocator.CountFree(config, cluster.Leases().Select(lease => lease.Key.Subnet)) == 0;

    private static bool IsReady(Machine machine) => machine.Daemon is { IsReady: true, Subnet: not null };
}
