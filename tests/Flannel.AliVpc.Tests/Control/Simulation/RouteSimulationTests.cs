using System.Globalization;
using Flannel.AliVpc.Tests.Control.Support;

namespace Flannel.AliVpc.Tests.Control.Simulation;

/// <summary>Some virtual minutes of trouble, then quiet for longer than a lease lives, for many seeds. The invariants at each write are
/// <see cref="RouteInvariants"/>'; those of the end are here. A failure names its seed: <c>FLANNEL_SIMULATION_SEED=N</c> runs it alone and tells
/// what happened, <c>-showLiveOutput</c> even when it passes;
/// <c>FLANNEL_SIMULATION_SEEDS=N</c> runs so many other ones, from <c>FLANNEL_SIMULATION_FIRST</c> on.</summary>
public sealed class RouteSimulationTests
{
    private const string OneSeed = "FLANNEL_SIMULATION_SEED";
    private const int FirstOfMany = 1000;

    /// <summary>Of a usual run of the tests, whose time is limited.</summary>
    private const int UsualSeeds = 25;

    /// <summary>Of many: a test for each would cost more than its history.</summary>
    private const int PerTest = 50;

    /// <summary>The first seed of each test, and how many follow it.</summary>
    public static TheoryData<int, int> Seeds
    {
        get
        {
            if (Number(OneSeed) is { } one) return new TheoryData<int, int>((one, 1));
            if (Number("FLANNEL_SIMULATION_SEEDS") is not { } many) return [.. Enumerable.Range(1, UsualSeeds).Select(seed => (seed, 1))];
            var first = Number("FLANNEL_SIMULATION_FIRST") ?? FirstOfMany;
            return [.. Enumerable.Range(first, many).Chunk(PerTest).Select(seeds => (seeds[0], seeds.Length))];
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_happens_no_living_route_is_deleted_nothing_foreign_is_touched_and_the_tables_become_what_the_leases_say(int first, int count)
    {
        var failed = new List<string>();
        for (var seed = first; seed < first + count; seed++)
        {
            try
            {
                Run(seed, TestContext.Current.TestOutputHelper);
            }
            catch (Exception e)
            {
                failed.Add($"seed {seed}: {e.Message}");
            }
        }

        Assert.True(failed.Count == 0, string.Join('\n', failed));
    }

    private static void Run(int seed, ITestOutputHelper? output) => VirtualTime.Run(async time =>
    {
        await using var history = new RouteHistory(time, seed);
        await history.RunAsync(troubled: LengthOf(seed), quiet: TimeSpan.FromHours(32));
        if (Number(OneSeed) is not null) output?.WriteLine(string.Join('\n', history.Trace));
        output?.WriteLine(
            $"seed {seed}: {history.Changes} changes, {history.Faults} faults, {history.Losses} lost elections, {history.Writes} writes, {time.Wakes} timers; {history.Summary}");

        // 1. Nothing was done that may not be done, at any moment.
        AssertNone(history.Broken);
        AssertNone(history.FalseAlarms());
        // 2. What is wanted is there, and nothing else; what others made is as they made it.
        AssertNone(history.Wanted().Except(history.Actual()).Select(line => $"missing {line}"));
        AssertNone(history.Actual().Except(history.Wanted()).Select(line => $"left {line}"));
        // 3. Every node has been told so, and its interface lets the containers' packets pass.
        AssertNone(history.Untold());
        Assert.Empty(history.ChecksThatAreOn());
        // 4. The number of writes is bounded: a change takes one, and each fault may repeat one.
        Assert.InRange(history.Writes, 1, history.Changes + history.Faults);
        // 5. Nothing spins.
        Assert.InRange(time.Wakes, 1, 40_000);
        // 6. It is over: half an hour of quiet takes no write.
        var writes = history.Writes;
        await time.Pass(TimeSpan.FromMinutes(30));
        Assert.Equal(writes, history.Writes);
    });

    /// <summary>One to five minutes: many histories of different lengths find more than a few long ones.</summary>
    private static TimeSpan LengthOf(int seed) => TimeSpan.FromMinutes(1 + seed % 5);

    private static void AssertNone(IEnumerable<string> lines) => Assert.True(!lines.Any(), string.Join('\n', lines));

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
