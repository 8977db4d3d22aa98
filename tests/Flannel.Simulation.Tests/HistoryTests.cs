using System.Globalization;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests;

/// <summary>Histories with faults, each determined by its seed. <c>FLANNEL_SIM_SEED=n</c> sets the first seed and, alone, runs one history;
/// <c>FLANNEL_SIM_HISTORIES=n</c> sets the number of histories.</summary>
public sealed class HistoryTests(ITestOutputHelper output)
{
    // A history takes about 0.15 s of CPU time, so that these take less than a minute on one core. docs/simulation.md has the long run.
    private const int Default = 300;
    private const int DualStack = 100;

    private static readonly int FirstSeed = Number("FLANNEL_SIM_SEED", 1);
    private static readonly int Histories = Number("FLANNEL_SIM_HISTORIES",
        Environment.GetEnvironmentVariable("FLANNEL_SIM_SEED") is null ? Default : 1);

    [Fact]
    public void No_history_violates_an_invariant() => RunAll(Histories, isDualStack: false);

    /// <summary>Leases of both families: no node creates one that overlaps another in either of them.</summary>
    [Fact]
    public void No_history_of_a_dual_stack_cluster_violates_an_invariant() =>
        RunAll(Histories == Default ? DualStack : Histories, isDualStack: true);

    private void RunAll(int count, bool isDualStack)
    {
        var reports = new HistoryReport?[count];
        var failures = new List<string>();
        Parallel.For(
            0,
            count,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = Math.Min(2, Environment.ProcessorCount),
                CancellationToken = TestContext.Current.CancellationToken
            },
            (i, state) =>
            {
                try
                {
                    reports[i] = History.Run(FirstSeed + i, isDualStack);
                }
                catch (SimulationFailure e)
                {
                    lock (failures) failures.Add(e.Message);
                    if (failures.Count >= 5) state.Stop();
                }
            });
        var done = reports.OfType<HistoryReport>().ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{done.Count} histories passed, {failures.Count} failed, {done.Sum(report => report.Steps)} steps, "
            + $"{done.Sum(report => report.Length.TotalHours):F0} hours of the cluster's time"));
        Assert.True(failures.Count == 0, string.Join("\n\n", failures.Order(StringComparer.Ordinal)));
    }

    /// <summary>Seeds that failed, with the bug that they found. After a change of the simulation a seed gives another history.</summary>
    [Theory]
    [InlineData(1078, "a reservation written over an existing lease never got a route")]
    [InlineData(1254, "the same")]
    [InlineData(1433, "the same")]
    [InlineData(1783, "the same")]
    [InlineData(1304, "a lease renewed after it had expired was never confirmed: the node stayed unready")]
    [InlineData(17, "the same")]
    [InlineData(196, "after a restore an old key with an unknown etcd lease counted as held, and the lease was renewed without end")]
    [InlineData(156, "without space in etcd each new node sent ten requests per second")]
    [InlineData(135, "a route status attached to an earlier etcd lease was deleted with it")]
    [InlineData(2165, "all nodes counted as converged before a silent watch was detected")]
    public void A_history_that_once_failed_passes(int seed, string bug)
    {
        output.WriteLine(bug);
        Assert.Equal(seed, History.Run(seed).Seed);
    }

    [Fact]
    public void The_same_seed_gives_the_same_history()
    {
        foreach (var seed in Enumerable.Range(FirstSeed, 20))
        {
            var first = History.Run(seed);
            var second = History.Run(seed);
            Assert.Equal(first, second);
            Assert.NotEqual(first.TraceHash, History.Run(seed + 1_000_000).TraceHash);
        }
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
