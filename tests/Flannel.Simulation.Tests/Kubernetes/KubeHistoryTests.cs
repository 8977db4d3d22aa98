using System.Globalization;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>Histories of Kubernetes clusters with faults, each determined by its seed. <c>FLANNEL_SIM_SEED</c> and
/// <c>FLANNEL_SIM_HISTORIES</c> choose them, as those of etcd.</summary>
public sealed class KubeHistoryTests(ITestOutputHelper output)
{
    private const int Default = 150;

    private static readonly int FirstSeed = Number("FLANNEL_SIM_SEED", 1);
    private static readonly int Histories = Number("FLANNEL_SIM_HISTORIES",
        Environment.GetEnvironmentVariable("FLANNEL_SIM_SEED") is null ? Default : 1);

    [Fact]
    public void No_history_of_a_Kubernetes_cluster_violates_an_invariant()
    {
        var reports = new KubeHistory.Report?[Histories];
        var failures = new List<string>();
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Math.Min(2, Environment.ProcessorCount),
            CancellationToken = TestContext.Current.CancellationToken,
        };
        Parallel.For(0, Histories, options, (i, state) =>
        {
            try
            {
                reports[i] = KubeHistory.Run(FirstSeed + i);
            }
            catch (SimulationFailure e)
            {
                lock (failures) failures.Add(e.Message);
                if (failures.Count >= 5) state.Stop();
            }
        });
        var done = reports.OfType<KubeHistory.Report>().ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{done.Count} histories passed, {failures.Count} failed, {done.Sum(report => report.Steps)} steps, "
            + $"{done.Sum(report => report.Length.TotalHours):F0} hours of the cluster's time"));
        Assert.True(failures.Count == 0, string.Join("\n\n", failures.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void The_same_seed_gives_the_same_history()
    {
        foreach (var seed in Enumerable.Range(FirstSeed, 5)) Assert.Equal(KubeHistory.Run(seed), KubeHistory.Run(seed));
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
