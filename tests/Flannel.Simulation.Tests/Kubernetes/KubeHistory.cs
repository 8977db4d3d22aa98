using Flannel.Core.Routes;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One history of a Kubernetes cluster. At its end a node is deleted.</summary>
internal sealed class KubeHistory(KubeCluster cluster) : ClusterHistory<KubeProcess>(cluster, new KubeFaults(cluster))
{
    // The controller holds deletions for 30 minutes if many leases ended during the faults.
    private static readonly TimeSpan Collection = TimeSpan.FromMinutes(35);

    private readonly KubeCluster kube = cluster;

    /// <summary>Covers a watch that became silent at the end of the faults, the back-off, and the election.</summary>
    protected override TimeSpan Convergence => TimeSpan.FromSeconds(360);

    /// <summary>Longer than it takes to notice a watch that became silent at the end of the faults: a node that lists the nodes again after
    /// a deletion has no evidence for it (seed 74).</summary>
    protected override TimeSpan SteadyState => TimeSpan.FromSeconds(260);

    /// <summary>The standby polls the Lease each second; the renewals of a term, and writes of other nodes.</summary>
    protected override int RequestsInSteadyState => 420;

    /// <exception cref="SimulationFailure">With the seed and the last events.</exception>
    public static HistoryReport Run(int seed, bool isDualStack = false) => HistoryRunner.Run(
        seed, isDualStack ? "Kubernetes, dual stack" : "Kubernetes",
        scheduler => new KubeHistory(new KubeCluster(scheduler, 2 + scheduler.Random.Next(5), isDualStack)));

    protected override string? FindMissing(Machine machine)
    {
        if (machine.Process is not { IsReady: true, Subnet: { } subnet }) return DescribeUnready(machine);
        if (kube.NodeOf(machine) is not { } node) return $"{machine.Name} has no node";
        if (KubeCluster.SubnetOf(node) != subnet) return $"{machine.Name} uses {subnet} instead of {KubeCluster.SubnetOf(node)}";
        foreach (var destination in KubeCluster.DestinationsOf(node))
        {
            if (!kube.Invariants.HasRoute(machine, destination)) return $"{machine.Name} has no route {destination}";
        }

        if (kube.StatusOf(node) is not { State: RouteState.Available }) return $"{machine.Name} has the route status {kube.StatusOf(node)}";
        return node.NetworkUnavailable is { IsTrue: false } ? null : $"the network of {machine.Name} is reported as unavailable";
    }

    /// <summary>The route controller sees the deletion of a node, and deletes its route.</summary>
    protected override void CheckEnd()
    {
        var machine = kube.Machines.Find(candidate => candidate.Process is { ActsAsController: false });
        if (machine?.SubnetInFile is not { } subnet) return;
        kube.Machines.Remove(machine);
        kube.Kill((KubeProcess)machine.Process!);
        kube.DeleteNode(machine.Name);
        RunUntil(
            Collection,
            () => kube.Invariants.HasRoute(machine, subnet.ToString()) ? $"{machine.Name} was deleted, and has its route {subnet}" : null);
    }
}
