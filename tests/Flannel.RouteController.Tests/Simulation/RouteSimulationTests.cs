using System.Globalization;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>Some virtual minutes with faults, then without for longer than the time to live of a lease, for many seeds.
/// <see cref="RouteInvariants"/> checks each write; this class checks the final state. <c>FLANNEL_SIM_SEED=n</c> runs one history
/// and prints its events, or is the first seed of several; <c>FLANNEL_SIM_HISTORIES=n</c> runs n histories.</summary>
public sealed class RouteSimulationTests(ITestOutputHelper output)
{
    // A history takes about half a second of processor time. docs/simulation.md has the long run.
    private const int Default = 30;

    /// <summary>The run ends after this many failures.</summary>
    private const int MostFailures = 5;

    private static readonly int FirstSeed = Number("FLANNEL_SIM_SEED", 1);
    private static readonly int Histories =
        Number("FLANNEL_SIM_HISTORIES", Environment.GetEnvironmentVariable("FLANNEL_SIM_SEED") is null ? Default : 1);

    [Fact]
    public void Invariants_hold_at_each_write_and_the_tables_match_the_leases_at_the_end()
    {
        var failures = new List<string>();
        var passed = 0;
        var writes = 0L;
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Environment.ProcessorCount,
            CancellationToken = TestContext.Current.CancellationToken,
        };
        Parallel.For(0, Histories, options, (i, state) =>
        {
            try
            {
                Interlocked.Add(ref writes, Run(FirstSeed + i));
                Interlocked.Increment(ref passed);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                lock (failures) failures.Add($"seed {FirstSeed + i}: {e.Message}");
                if (failures.Count >= MostFailures) state.Stop();
            }
        });
        output.WriteLine($"{passed} histories passed, {failures.Count} failed, {writes} writes to the cloud");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public void The_same_seed_is_the_same_history() => Assert.Equal(TraceOf(FirstSeed), TraceOf(FirstSeed));

    private static IReadOnlyList<string> TraceOf(int seed)
    {
        IReadOnlyList<string> trace = [];
        VirtualTime.Run(async time =>
        {
            await using var history = new RouteHistory(time, seed);
            await history.RunAsync(withFaults: LengthOf(seed), withoutFaults: TimeSpan.Zero);
            trace = history.Trace;
        });
        return trace;
    }

    /// <returns>The controllers' calls that write.</returns>
    private int Run(int seed)
    {
        var written = 0;
        VirtualTime.Run(async time =>
        {
            await using var history = new RouteHistory(time, seed);
            await history.RunAsync(withFaults: LengthOf(seed), withoutFaults: TimeSpan.FromHours(32));
            if (Histories == 1) output.WriteLine(string.Join('\n', history.Trace.Append(history.Summary)));
            await CheckAsync(history, time);
            written = history.Writes;
        });
        return written;
    }

    private static async Task CheckAsync(RouteHistory history, VirtualTime time)
    {
        // 1. No write violated a rule.
        AssertNone(history.Violations);
        AssertNone(history.FalseSharedClusters());
        // 2. The tables have the desired routes and no others, and the entries of other clients are unchanged.
        AssertNone(history.Desired().Except(history.Observed()).Select(line => $"missing {line}"));
        AssertNone(history.Observed().Except(history.Desired()).Select(line => $"unexpected {line}"));
        // 3. Every node has the right status, and the source/destination check of its interface is off.
        AssertNone(history.WrongStatuses());
        Assert.Empty(history.ChecksThatAreOn());
        // 4. The number of writes is bounded: a change takes one, and each fault may repeat one.
        Assert.InRange(history.Writes, 1, history.Changes + history.Faults);
        // 5. No loop spins.
        Assert.InRange(time.Wakes, 1, 40_000);
        // 6. The state is final: nothing is written for half an hour.
        var writes = history.Writes;
        await time.Pass(TimeSpan.FromMinutes(30));
        Assert.Equal(writes, history.Writes);
    }

    /// <summary>One to five minutes: many histories of different lengths find more than a few long ones.</summary>
    private static TimeSpan LengthOf(int seed) => TimeSpan.FromMinutes(1 + seed % 5);

    private static void AssertNone(IEnumerable<string> lines) => Assert.True(!lines.Any(), string.Join('\n', lines));

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : otherwise;
}
