using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Flannel.Core;

/// <summary>The events that a task writes into a channel, as a stream.</summary>
public static class EventStream
{
    /// <summary>Runs the task while its events are read.</summary>
    /// <param name="run">Completes the channel at its end. Its failure ends the stream.</param>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        ChannelReader<T> events, Func<CancellationToken, Task> run, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = run(stop.Token);
        try
        {
            while (await events.WaitToReadAsync(cancellation))
            {
                while (events.TryRead(out var next)) yield return next;
            }

            await running;
        }
        finally
        {
            stop.Cancel();
            await running.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }
}
