using System.Globalization;
using Flannel.AliVpc.Tests.Control.Support;
using Flannel.Core.Routes;

namespace Flannel.AliVpc.Tests.Control.Simulation;

/// <summary>Twelve virtual minutes of trouble, then quiet, for many seeds. The invariants at each write are <see cref="RouteInvariants"/>'; those of the end are here. A
/// failure names its seed (it is the theory's argument): <c>FLANNEL_ROUTE_SEED=N</c> runs it alone, <c>FLANNEL_ROUTE_SEEDS=N</c> runs so many other ones.</summary>
public sealed class RouteSimulationTests
{
    /// <summary>Seeds that have found something. They stay.</summary>
    private static readonly int[] Kept = [];

    public static TheoryData<int> Seeds =>
        Number("FLANNEL_ROUTE_SEED") is { } one ? [one]
        : Number("FLANNEL_ROUTE_SEEDS") is { } many ? [.. Enumerable.Range(1000, many)]
        : [.. Kept.Union(Enumerable.Range(1, 20))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_happens_nothing_foreign_is_touched_and_in_the_end_the_tables_are_what_the_leases_say(int seed) => VirtualTime.Run(async time =>
    {
        await using var history = new RouteHistory(time, seed);
        await history.RunAsync(troubled: TimeSpan.FromMinutes(12), quiet: TimeSpan.FromMinutes(25));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"seed {seed}: {history.Changes} changes, {history.Faults} faults, {history.Losses} lost elections, {history.Writes} writes, {time.Wakes} timers; {history.Summary}");

        // 1. Nothing was done that may not be done, at any moment.
        Assert.Empty(history.Invariants.Broken);
        // 2. What is wanted is there, and nothing else; what others made is as they made it.
        Assert.Equal(history.Wanted(), history.Actual());
        // 3. Every node has been told so, and its interface lets the containers' packets pass.
        Assert.All(history.Leases.Snapshot.Leases.Where(lease => lease.Attributes.BackendData is not null),
            lease => Assert.Equal(RouteState.Available, history.Statuses[lease.Key.ToString()].State));
        Assert.Empty(history.ChecksThatAreOn());
        // 4. The number of writes is bounded: a change takes one, and each fault may repeat one.
        Assert.InRange(history.Writes, 1, history.Changes + history.Faults);
        // 5. Nothing spins.
        Assert.InRange(time.Wakes, 1, 15_000);
        // 6. It is over: half an hour of quiet takes no write.
        var writes = history.Writes;
        await time.Pass(TimeSpan.FromMinutes(30));
        Assert.Equal(writes, history.Writes);
    });

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
