using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One history of a Kubernetes cluster: a new cluster, a period with faults, convergence, a period without faults, and the
/// deletion of a node.</summary>
internal static class KubeHistory
{
    // Covers a watch that became silent at the end of the faults, the back-off, and the election.
    private static readonly TimeSpan Convergence = TimeSpan.FromSeconds(360);
    // Longer than it takes to notice a watch that became silent at the end of the faults: a node that lists the nodes again after a
    // deletion has no evidence for it (seed 74).
    private static readonly TimeSpan SteadyState = TimeSpan.FromSeconds(260);
    // The controller holds deletions for 30 minutes if many leases ended during the faults.
    private static readonly TimeSpan Collection = TimeSpan.FromMinutes(35);

    // The standby polls the Lease each second; the renewals of a term, and writes of other nodes.
    private const int RequestsInSteadyState = 420;

    private const int LogLines = 3000;

    /// <param name="Requests">The number of requests of all nodes to the API server.</param>
    public sealed record Report(int Seed, ulong TraceHash, long Steps, long Requests, TimeSpan Length);

    /// <exception cref="SimulationFailure">With the seed and the last events.</exception>
    public static Report Run(int seed)
    {
        try
        {
            return Run(new Scheduler(seed, log: false), seed);
        }
        catch (SimulationFailure first)
        {
            // Repeat the history with a log.
            var scheduler = new Scheduler(seed, log: true);
            var again = "(the repetition passed)";
            try
            {
                Run(scheduler, seed);
            }
            catch (SimulationFailure second)
            {
                again = second.Message == first.Message ? "" : $"(the repetition failed differently: {second.Message})";
            }

            throw new SimulationFailure(
                $"FLANNEL_SIM_SEED={seed} (Kubernetes): {first.Message} {again}\n{string.Join('\n', scheduler.Log.TakeLast(LogLines))}");
        }
    }

    private static Report Run(Scheduler scheduler, int seed)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            using var cluster = new KubeCluster(scheduler, 2 + scheduler.Random.Next(5));
            var faults = new KubeFaults(cluster);
            faults.Begin();
            cluster.Run(scheduler.Between(30, 300));
            faults.End();
            Converge(cluster);
            CheckSteadyState(cluster);
            CheckCollection(cluster);
            return new Report(
                seed, scheduler.TraceHash, scheduler.Steps, cluster.Processes.Sum(process => process.Kube.Requests), scheduler.Now);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static void Converge(KubeCluster cluster)
    {
        var limit = cluster.Scheduler.Now + Convergence;
        while (Missing(cluster) is { } missing)
        {
            if (cluster.Scheduler.Now > limit) throw new SimulationFailure($"after {Convergence} without faults: {missing}");
            cluster.Run(cluster.Scheduler.Now + TimeSpan.FromSeconds(1));
        }
    }

    private static void CheckSteadyState(KubeCluster cluster)
    {
        var before = cluster.Processes.ToDictionary(process => process, process => process.Kube.Requests);
        cluster.Run(cluster.Scheduler.Now + SteadyState);
        if (Missing(cluster) is { } missing) throw new SimulationFailure($"without faults after convergence: {missing}");
        foreach (var process in cluster.Processes)
        {
            var made = process.Kube.Requests - before.GetValueOrDefault(process);
            if (made > RequestsInSteadyState)
                throw new SimulationFailure($"{process.Machine.Name} makes {made} requests in {SteadyState} without faults");
        }
    }

    /// <summary>The route controller sees the deletion of a node, and deletes its route.</summary>
    private static void CheckCollection(KubeCluster cluster)
    {
        var machine = cluster.Machines.Find(candidate => candidate.Process is { ActsAsController: false });
        if (machine?.SubnetInFile is not { } subnet) return;
        cluster.Machines.Remove(machine);
        cluster.Kill((KubeProcess)machine.Process!);
        cluster.DeleteNode(machine.Name);
        var limit = cluster.Scheduler.Now + Collection;
        while (cluster.Invariants.HasRoute(machine, subnet))
        {
            if (cluster.Scheduler.Now > limit)
                throw new SimulationFailure($"{Collection} after the deletion of {machine.Name} its route {subnet} exists");
            cluster.Run(cluster.Scheduler.Now + TimeSpan.FromSeconds(1));
        }
    }

    private static string? Missing(KubeCluster cluster)
    {
        foreach (var machine in cluster.Machines)
        {
            if (machine.Process is not { } process) return $"{machine.Name} does not run";
            if (!process.IsReady || process.Subnet is not { } subnet)
            {
                var failed = process.Health.Checks.Where(check => !check.Ok).Select(check => check.Detail);
                return $"{machine.Name} is not ready: {string.Join("; ", failed)}";
            }

            if (cluster.NodeOf(machine) is not { } node) return $"{machine.Name} has no node";
            if (KubeCluster.SubnetOf(node) != subnet) return $"{machine.Name} uses {subnet} instead of {KubeCluster.SubnetOf(node)}";
            if (!cluster.Invariants.HasRoute(machine, subnet)) return $"{machine.Name} has no route";
            if (node.NetworkUnavailable is not { IsTrue: false }) return $"the network of {machine.Name} is reported as unavailable";
        }

        var acting = cluster.Processes.Count(process => process.ActsAsController);
        return acting == 1 ? null : $"{acting} controllers";
    }
}
