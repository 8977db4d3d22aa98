using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>Waiting for a condition with a generous limit, instead of sleeping for a guess.</summary>
public static class Eventually
{
    /// <summary>Generous for a loaded machine of two cores; a condition that holds is noticed within <see cref="Interval"/>.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    /// <summary>Asks until the answer is not null, and returns it.</summary>
    /// <exception cref="TestbedException">The limit passed; the message says what was awaited.</exception>
    public static async Task<T> HasAsync<T>(string awaited, Func<Task<T?>> ask, CancellationToken cancel, TimeSpan? limit = null, Func<string>? context = null)
        where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }
            if (Stopwatch.GetElapsedTime(started) > (limit ?? Limit))
            {
                throw new TestbedException($"waited {(limit ?? Limit).TotalSeconds:0.#} s in vain for: {awaited}\n{context?.Invoke()}");
            }
            await Task.Delay(Interval, cancel);
        }
    }

    /// <summary>Asks until the answer is yes.</summary>
    public static Task IsAsync(string awaited, Func<Task<bool>> ask, CancellationToken cancel, TimeSpan? limit = null, Func<string>? context = null) =>
        HasAsync(awaited, async () => await ask() ? "yes" : null, cancel, limit, context);
}
