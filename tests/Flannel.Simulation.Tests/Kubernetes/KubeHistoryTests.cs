namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>Histories of Kubernetes clusters.</summary>
/// <inheritdoc cref="HistoryBatch"/>
public sealed class KubeHistoryTests(ITestOutputHelper output)
{
    private const int Usual = 150;

    [Fact]
    public void No_history_of_a_Kubernetes_cluster_violates_an_invariant() =>
        HistoryBatch.RunAll(Usual, seed => KubeHistory.Run(seed), output);

    [Fact]
    public void The_same_seed_gives_the_same_history()
    {
        foreach (var seed in Enumerable.Range(HistoryBatch.FirstSeed, 5)) Assert.Equal(KubeHistory.Run(seed), KubeHistory.Run(seed));
    }
}
