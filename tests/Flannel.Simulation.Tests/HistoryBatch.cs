using System.Globalization;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests;

/// <summary>Histories with faults, each determined by its seed. <c>FLANNEL_SIM_SEED=n</c> sets the first seed and, alone, runs one history;
/// <c>FLANNEL_SIM_HISTORIES=n</c> sets the number of histories.</summary>
internal static class HistoryBatch
{
    private const int MostFailures = 5;

    private static readonly string? Seed = Environment.GetEnvironmentVariable("FLANNEL_SIM_SEED");

    public static int FirstSeed { get; } = Number(Seed, 1);

    /// <summary>Runs the histories of one kind, two at a time.</summary>
    /// <param name="usual">Their number if the environment sets none.</param>
    public static void RunAll(int usual, Func<int, HistoryReport> run, ITestOutputHelper output)
    {
        var count = Number(Environment.GetEnvironmentVariable("FLANNEL_SIM_HISTORIES"), Seed is null ? usual : 1);
        var reports = new HistoryReport?[count];
        var failures = new List<string>();
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Math.Min(2, Environment.ProcessorCount),
            CancellationToken = TestContext.Current.CancellationToken,
        };
        Parallel.For(0, count, options, (i, state) =>
        {
            try
            {
                reports[i] = run(FirstSeed + i);
            }
            catch (SimulationFailure e)
            {
                lock (failures) failures.Add(e.Message);
                if (failures.Count >= MostFailures) state.Stop();
            }
        });
        var done = reports.OfType<HistoryReport>().ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{done.Count} histories passed, {failures.Count} failed, {done.Sum(report => report.Steps)} steps, "
            + $"{done.Sum(report => report.Length.TotalHours):F0} hours of the cluster's time"));
        Assert.True(failures.Count == 0, string.Join("\n\n", failures.Order(StringComparer.Ordinal)));
    }

    private static int Number(string? text, int otherwise) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
