using Flannel.Core;

namespace Flanneld.Host;

/// <summary>Gives back the memory that only the start needs, and later what only a pass of the route controller needs (ADR 11).
/// Otherwise it stays resident in an idle daemon, for days.</summary>
/// <param name="passes">The number of passes that this process has ended.</param>
internal sealed class MemoryRelease(ObservableValue<long> passes, TimeProvider time)
{
    // The first is when the containers start, the last when the first pass of a route controller is over.
    private static readonly TimeSpan[] AfterStart = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(29)];

    // Without READY=1, the first of these begins after this time: the node may wait long for its route.
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(30);

    // Passes come one after another while nodes join, and one a minute in an idle cluster.
    private static readonly TimeSpan AfterPass = TimeSpan.FromSeconds(5);

    /// <summary>Replaced in tests.</summary>
    public Action Trim { get; init; } = ProcessMemory.Trim;

    /// <summary>Runs until it is cancelled.</summary>
    /// <param name="ready">Completes with READY=1.</param>
    public async Task RunAsync(Task ready, CancellationToken cancellation)
    {
        await TaskWait.WaitAsync(ready, LongestStart, time, cancellation);
        foreach (var delay in AfterStart)
        {
            await Task.Delay(delay, time, cancellation);
            Trim();
        }

        var seen = passes.Current;
        while (true)
        {
            var changed = passes.Changed;
            if (passes.Current == seen)
            {
                await TaskWait.WaitAsync(changed, Timeout.InfiniteTimeSpan, time, cancellation);
                continue;
            }

            await Task.Delay(AfterPass, time, cancellation);
            seen = passes.Current;
            Trim();
        }
    }
}
