using System.Globalization;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Runs all events of a history on one thread, with one clock and one source of randomness, in an order that the seed
/// determines. An event from another thread fails the history: the code under test has left its context.</summary>
internal sealed class Scheduler(int seed, bool log)
{
    private const int MaxStepsAtOneInstant = 20_000;

    // The prime and the initial value of the hash FNV-1a.
    private const ulong HashPrime = 1_099_511_628_211;
    private const ulong HashStart = 14_695_981_039_346_656_037;

    private readonly PriorityQueue<ScheduledAction, (long At, long Order)> scheduled = new();
    private readonly List<(ProcessContext Context, SendOrPostCallback Callback, object? State)> ready = [];
    private readonly int thread = Environment.CurrentManagedThreadId;
    private volatile string? threadViolation;
    private long order;
    private int stepsAtThisInstant;

    public Random Random { get; } = new(seed);

    /// <summary>Since the beginning of the history.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>A hash of all events: equal in two runs of the same seed.</summary>
    public ulong TraceHash { get; private set; } = HashStart;

    public bool IsLogging => log;

    public List<string> Log { get; } = [];

    public long Steps { get; private set; }

    public ScheduledAction After(TimeSpan delay, Action callback)
    {
        CheckThread("a timer or a request");
        var entry = new ScheduledAction(callback);
        scheduled.Enqueue(entry, (Now.Ticks + Math.Max(0, delay.Ticks), order++));
        return entry;
    }

    public void Post(ProcessContext context, SendOrPostCallback callback, object? state)
    {
        if (Environment.CurrentManagedThreadId != thread)
        {
            threadViolation = $"a continuation comes from another thread:\n{Environment.StackTrace}";
            return;
        }

        ready.Add((context, callback, state));
    }

    /// <summary>Runs the next due action and everything that follows from it at the same instant.</summary>
    public void Step()
    {
        ScheduledAction entry;
        do
        {
            scheduled.TryDequeue(out entry!, out var key);
            if (key.At != Now.Ticks) stepsAtThisInstant = 0;
            Now = TimeSpan.FromTicks(key.At);
        }
        while (entry.Cancelled);
        Steps++;
        entry.Callback();
        Settle();
    }

    public void Settle()
    {
        while (ready.Count > 0)
        {
            CountWork();
            var index = Random.Next(ready.Count);
            var (context, callback, state) = ready[index];
            ready.RemoveAt(index);
            if (context.IsDead) continue;
            context.HasRun = true;
            SynchronizationContext.SetSynchronizationContext(context);
            callback(state);
            SynchronizationContext.SetSynchronizationContext(null);
        }

        if (threadViolation is not null) throw new SimulationFailure(threadViolation);
    }

    /// <summary>Detects busy loops: time does not advance while a process works.</summary>
    public void CountWork()
    {
        if (++stepsAtThisInstant > MaxStepsAtOneInstant) throw new SimulationFailure($"busy loop at {Now}:\n{Environment.StackTrace}");
    }

    public void CheckThread(string what)
    {
        if (Environment.CurrentManagedThreadId != thread) threadViolation = $"{what} comes from another thread:\n{Environment.StackTrace}";
    }

    public void Trace(string who, string what, long detail = 0)
    {
        AddToHash(Now.Ticks);
        foreach (var letter in who) AddToHash(letter);
        foreach (var letter in what) AddToHash(letter);
        AddToHash(detail);
        if (IsLogging) Note(who, detail == 0 ? what : $"{what} {detail:x}");
    }

    /// <summary>Adds a line to the log that is not part of <see cref="TraceHash"/>.</summary>
    public void Note(string who, string what) =>
        Log.Add(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalSeconds,10:F3} {who,-8} {what}"));

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(double fromSeconds, double toSeconds) =>
        TimeSpan.FromSeconds(fromSeconds + (toSeconds - fromSeconds) * Random.NextDouble());

    private void AddToHash(long value) => TraceHash = (TraceHash ^ (ulong)value) * HashPrime;
}

internal sealed class ScheduledAction(Action callback)
{
    public Action Callback { get; } = callback;

    public bool Cancelled { get; set; }
}

internal sealed class SimulationFailure(string message) : Exception(message);
