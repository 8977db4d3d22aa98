using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>Nodes on three etcd members, through the faults of a cluster: the times of the end-to-end tests, measured alone.</summary>
internal static class ClusterFaults
{
    private const int DefaultNodes = 20;

    /// <summary>The number of nodes when the arguments ask for this, else null.</summary>
    public static int? Parse(IReadOnlyList<string> arguments) => arguments switch
    {
        ["cluster"] => DefaultNodes,
        ["cluster", var nodes] when int.TryParse(nodes, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 1 and <= 200 => number,
        _ => null,
    };

    /// <summary>Prints a report for each fault as it is over. False when any of them cost a node anything.</summary>
    public static async Task<bool> RunAsync(int nodes, TextWriter output, CancellationToken cancel)
    {
        if (await NetworkNamespace.UnavailableAsync(cancel) is { } reason)
        {
            throw new TestbedException(reason);
        }
        output.WriteLine($"{nodes} nodes on three etcd members with mutual TLS and authentication …");
        await using var trial = await ClusterFaultScenarios.StartAsync(nodes, cancel);
        Func<CancellationToken, Task<FaultReport>>[] faults =
        [
            trial.KillLeaderAsync, trial.HangLeaderAsync, trial.IsolateMinorityAsync, trial.IsolateMajorityAsync,
            trial.LoseQuorumAsync, trial.RestartAllAsync, trial.RestartOneByOneAsync,
        ];
        var lost = 0;
        foreach (var fault in faults)
        {
            var report = await fault(cancel);
            lost += report.Lost.Count;
            output.WriteLine(report);
        }
        output.WriteLine(lost == 0
            ? "nothing lost: the same processes, subnets and leases throughout, every node ready at every look, one route controller after each fault"
            : $"{lost} losses");
        return lost == 0;
    }
}
