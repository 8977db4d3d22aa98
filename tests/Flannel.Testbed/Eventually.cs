using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>Polls a condition until it holds or a time limit passes.</summary>
public static class Eventually
{
    /// <summary>The default limit, long enough for two loaded cores.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    /// <summary>Polls until <paramref name="read"/> returns a value, and returns it.</summary>
    /// <param name="awaited">The condition, for the message of the exception.</param>
    /// <param name="context">Additional text for the message of the exception.</param>
    /// <exception cref="TestbedException">The limit passed.</exception>
    public static async Task<T> HasAsync<T>(
        string awaited, Func<Task<T?>> read, CancellationToken cancel, TimeSpan? limit = null, Func<string>? context = null)
        where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await read() is { } value)
            {
                return value;
            }
            if (Stopwatch.GetElapsedTime(started) > (limit ?? Limit))
            {
                throw new TestbedException($"not within {(limit ?? Limit).TotalSeconds:0.#} s: {awaited}\n{context?.Invoke()}");
            }
            await Task.Delay(Interval, cancel);
        }
    }

    /// <summary>Polls until <paramref name="isMet"/> returns true.</summary>
    public static Task IsAsync(
        string awaited, Func<Task<bool>> isMet, CancellationToken cancel, TimeSpan? limit = null, Func<string>? context = null) =>
        HasAsync(awaited, async () => await isMet() ? "met" : null, cancel, limit, context);
}
