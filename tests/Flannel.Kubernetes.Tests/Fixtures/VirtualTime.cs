using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Fixtures;

/// <summary>Runs a test and the code that it starts on one thread, in virtual time. The time advances only while nothing is left to run, so
/// that a busy machine changes no order.</summary>
public sealed class VirtualTime : SynchronizationContext
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    // Real time, for what the test waits for without an effect of the virtual time: a defect of the test.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // A monitor, for the rare work that another thread posts.
    private readonly object gate = new();
    private readonly Queue<Action> queue = [];
    private readonly Queue<TaskCompletionSource> idle = [];

    private VirtualTime()
    {
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero));

    public static void Run(Func<VirtualTime, Task> test)
    {
        var former = Current;
        var context = new VirtualTime();
        SetSynchronizationContext(context);
        try
        {
            context.Complete(test(context));
        }
        finally
        {
            SetSynchronizationContext(former);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (gate)
        {
            queue.Enqueue(() => d(state));
            Monitor.Pulse(gate); // cspell:disable-line
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    /// <summary>Returns when nothing is left to run at the present time.</summary>
    public Task IdleAsync()
    {
        var waiter = new TaskCompletionSource();
        idle.Enqueue(waiter);
        return waiter.Task;
    }

    public async Task AdvanceAsync(TimeSpan time)
    {
        await IdleAsync();
        for (var end = Time.GetUtcNow() + time; Time.GetUtcNow() < end;)
        {
            Time.Advance(Step);
            await IdleAsync();
        }
    }

    /// <summary>Advances the time until the condition is true.</summary>
    /// <returns>The virtual time that passed.</returns>
    public async Task<TimeSpan> UntilAsync(string what, Func<bool> condition, TimeSpan atMost)
    {
        var begin = Time.GetUtcNow();
        await IdleAsync();
        while (!condition())
        {
            Assert.True(Time.GetUtcNow() - begin < atMost, $"not within {atMost}: {what}");
            Time.Advance(Step);
            await IdleAsync();
        }

        return Time.GetUtcNow() - begin;
    }

    private void Complete(Task test)
    {
        while (!test.IsCompleted)
        {
            if (Take(TimeSpan.Zero) is { } work) work();
            else if (idle.TryDequeue(out var waiter)) waiter.SetResult();
            else if (Take(Limit) is { } late) late();
            else throw new TimeoutException("the test waits for something that no virtual time brings about");
        }

        test.GetAwaiter().GetResult();
    }

    private Action? Take(TimeSpan wait)
    {
        lock (gate)
        {
            if (queue.Count == 0 && wait > TimeSpan.Zero) Monitor.Wait(gate, wait);
            return queue.TryDequeue(out var work) ? work : null;
        }
    }
}
