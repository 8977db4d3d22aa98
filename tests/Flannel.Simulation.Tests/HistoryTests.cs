using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests;

/// <summary>Histories of clusters whose subnet manager is etcd.</summary>
/// <inheritdoc cref="HistoryBatch"/>
public sealed class HistoryTests(ITestOutputHelper output)
{
    // A history takes about 0.15 s of CPU time, so that these take less than a minute on one core. docs/simulation.md has the long run.
    private const int Usual = 300;
    private const int UsualOfDualStack = 100;

    [Fact]
    public void No_history_violates_an_invariant() => HistoryBatch.RunAll(Usual, seed => History.Run(seed), output);

    /// <summary>Leases of both families: no node creates one that overlaps another in either of them.</summary>
    [Fact]
    public void No_history_of_a_dual_stack_cluster_violates_an_invariant() =>
        HistoryBatch.RunAll(UsualOfDualStack, seed => History.Run(seed, isDualStack: true), output);

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
        foreach (var seed in Enumerable.Range(HistoryBatch.FirstSeed, 20))
        {
            var first = History.Run(seed);
            var second = History.Run(seed);
            Assert.Equal(first, second);
            Assert.NotEqual(first.TraceHash, History.Run(seed + 1_000_000).TraceHash);
        }
    }
}
