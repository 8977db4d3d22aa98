using System.Text.RegularExpressions;

namespace Flannel.Simulation.Tests.Engine;

/// <param name="Requests">The number of requests of all nodes to the store of the leases.</param>
internal sealed record HistoryReport(int Seed, ulong TraceHash, long Steps, long Requests, TimeSpan Length);

/// <summary>Runs histories: a new cluster, a period with faults, convergence, and a period without faults.</summary>
internal static partial class HistoryRunner
{
    private const int LogLines = 3000;

    /// <param name="kind">For the message of a failure; empty for the usual kind.</param>
    /// <exception cref="SimulationFailure">With the seed and the last events.</exception>
    public static HistoryReport Run(int seed, string kind, Func<Scheduler, IClusterHistory> create)
    {
        try
        {
            return Run(new Scheduler(seed, log: false), seed, create);
        }
        catch (SimulationFailure first)
        {
            // Repeat the history with a log.
            var scheduler = new Scheduler(seed, log: true);
            var again = "(the repetition passed)";
            try
            {
                Run(scheduler, seed, create);
            }
            catch (SimulationFailure second)
            {
                again = WithoutIds(second.Message) == WithoutIds(first.Message)
                    ? "" : $"(the repetition failed differently: {second.Message})";
            }

            var seedAndKind = kind.Length > 0 ? $"{seed} ({kind})" : $"{seed}";
            throw new SimulationFailure(
                $"FLANNEL_SIM_SEED={seedAndKind}: {first.Message} {again}\n{string.Join('\n', scheduler.Log.TakeLast(LogLines))}");
        }
    }

    private static HistoryReport Run(Scheduler scheduler, int seed, Func<Scheduler, IClusterHistory> create)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            using var history = create(scheduler);
            var requests = history.Run();
            return new HistoryReport(seed, scheduler.TraceHash, scheduler.Steps, requests, scheduler.Now);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>The cluster id differs in each run and has no influence on the history.</summary>
    private static string WithoutIds(string message) => ClusterIds().Replace(message, "");

    [GeneratedRegex("flannel-[0-9a-f]+")]
    private static partial Regex ClusterIds();
}
