using System.Runtime.CompilerServices;

namespace Flannel.Core;

/// <summary>The snapshots of a watch, as a stream.</summary>
public static class SnapshotStream
{
    /// <summary>The snapshots of a watch, which runs while they are read.</summary>
    /// <param name="run">Ends only by cancellation or by an internal error.</param>
    /// <param name="next">Waits for a snapshot that was not returned before.</param>
    public static async IAsyncEnumerable<T> FollowAsync<T>(
        Func<CancellationToken, Task> run, Func<CancellationToken, Task<T>> next, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = run(ending.Token);
        try
        {
            while (true)
            {
                var snapshot = next(ending.Token);
                // An internal error of the watch must not be lost.
                await await Task.WhenAny(running, snapshot);
                yield return await snapshot;
            }
        }
        finally
        {
            ending.Cancel();
            await running.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }
}
