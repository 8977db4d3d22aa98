using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench cluster</c>: recovery times after faults of an etcd cluster.</summary>
internal static class ClusterFaults
{
    /// <summary>Prints a report after each fault. False if a node lost its process, its subnet, its lease or its readiness.</summary>
    public static async Task<bool> RunAsync(int nodes, TextWriter output, CancellationToken cancel)
    {
        if (await NetworkNamespace.UnavailableAsync(cancel) is { } reason)
        {
            throw new TestbedException(reason);
        }
        output.WriteLine($"{nodes} nodes on three etcd members with mutual TLS and authentication …");
        await using var scenarios = await ClusterFaultScenarios.StartAsync(nodes, cancel);
        Func<CancellationToken, Task<FaultReport>>[] faults =
        [
            scenarios.KillLeaderAsync, scenarios.HangLeaderAsync, scenarios.IsolateMinorityAsync, scenarios.IsolateMajorityAsync,
            scenarios.LoseQuorumAsync, scenarios.RestartAllAsync, scenarios.RestartOneByOneAsync,
        ];
        var lost = 0;
        foreach (var fault in faults)
        {
            var report = await fault(cancel);
            lost += report.Lost.Count;
            output.WriteLine(report);
        }
        output.WriteLine(lost == 0
            ? "no losses: all nodes kept process, subnet and lease and stayed ready; one route controller after each fault"
            : $"{lost} losses");
        return lost == 0;
    }
}
