namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>Histories of Kubernetes clusters.</summary>
/// <inheritdoc cref="HistoryBatch"/>
public sealed class KubeHistoryTests(ITestOutputHelper output)
{
    private const int Usual = 150;
    private const int UsualOfDualStack = 60;

    [Fact]
    public void No_history_of_a_Kubernetes_cluster_violates_an_invariant() =>
        HistoryBatch.RunAll(Usual, seed => KubeHistory.Run(seed), output);

    /// <summary>Each node has a podCIDR of each family, and a route to each.</summary>
    [Fact]
    public void No_history_of_a_dual_stack_Kubernetes_cluster_violates_an_invariant() =>
        HistoryBatch.RunAll(UsualOfDualStack, seed => KubeHistory.Run(seed, isDualStack: true), output);

    [Fact]
    public void The_same_seed_gives_the_same_history()
    {
        foreach (var seed in Enumerable.Range(HistoryBatch.FirstSeed, 5)) Assert.Equal(KubeHistory.Run(seed), KubeHistory.Run(seed));
    }
}
