namespace Flannel.Simulation.Tests.Engine;

internal interface IClusterHistory : IDisposable
{
    /// <returns>The number of requests of all nodes to the store of the leases.</returns>
    /// <exception cref="SimulationFailure">An invariant is violated.</exception>
    long Run();
}

/// <summary>One history of one cluster.</summary>
internal abstract class ClusterHistory<TProcess>(SimulatedCluster<TProcess> cluster, ClusterFaults<TProcess> faults) : IClusterHistory
    where TProcess : SimulatedProcess
{
    /// <summary>The longest time from the end of the faults until every node is ready.</summary>
    protected abstract TimeSpan Convergence { get; }

    /// <summary>The time without faults after that.</summary>
    protected abstract TimeSpan SteadyState { get; }

    /// <summary>The most requests of one process in this time.</summary>
    protected abstract int RequestsInSteadyState { get; }

    public long Run()
    {
        faults.Begin();
        cluster.Run(cluster.Scheduler.Between(30, 300));
        faults.End();
        Converge();
        CheckSteadyState();
        CheckEnd();
        return cluster.Processes.Sum(process => process.Connection.Requests);
    }

    public void Dispose() => cluster.Dispose();

    /// <summary>Why the cluster has not converged; null if it has.</summary>
    protected abstract string? FindMissing(Machine machine);

    /// <summary>Another check after the time without faults.</summary>
    protected virtual void CheckEnd()
    {
    }

    protected static string DescribeUnready(Machine machine)
    {
        if (machine.Process is not { } process) return $"{machine.Name} does not run";
        var failed = process.Health.Checks.Where(check => !check.Ok).Select(check => check.Detail);
        return $"{machine.Name} is not ready: {string.Join("; ", failed)}";
    }

    /// <summary>Runs until a condition holds.</summary>
    /// <param name="missing">Null if it does.</param>
    protected void RunUntil(TimeSpan atMost, Func<string?> missing)
    {
        var limit = cluster.Scheduler.Now + atMost;
        while (missing() is { } reason)
        {
            if (cluster.Scheduler.Now > limit) throw new SimulationFailure($"after {atMost} without faults: {reason}");
            cluster.Run(cluster.Scheduler.Now + TimeSpan.FromSeconds(1));
        }
    }

    private void Converge() => RunUntil(Convergence, FindMissing);

    private void CheckSteadyState()
    {
        var before = cluster.Processes.ToDictionary(process => process, process => process.Connection.Requests);
        cluster.Run(cluster.Scheduler.Now + SteadyState);
        if (FindMissing() is { } missing) throw new SimulationFailure($"without faults after convergence: {missing}");
        foreach (var process in cluster.Processes)
        {
            var made = process.Connection.Requests - before.GetValueOrDefault(process);
            if (made > RequestsInSteadyState)
                throw new SimulationFailure($"{process.Machine.Name} makes {made} requests in {SteadyState} without faults");
        }
    }

    private string? FindMissing()
    {
        foreach (var machine in cluster.Machines)
        {
            if (FindMissing(machine) is { } missing) return missing;
        }

        var acting = cluster.Processes.Count(process => process.ActsAsController);
        return acting == 1 ? null : $"{acting} controllers";
    }
}
