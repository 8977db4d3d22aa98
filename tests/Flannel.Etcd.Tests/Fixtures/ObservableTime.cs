using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>Fake time whose timers a test observes, so that it advances the time only when the code under test waits for it. Responses of
/// real programs take real time, which is longer on a busy machine.</summary>
public sealed class ObservableTime : FakeTimeProvider
{
    private readonly ConcurrentDictionary<ObservedTimer, TimeSpan> pending = new();
    private readonly ConcurrentDictionary<TimeSpan, int> created = new();

    /// <summary>How many timers were created with this time until they fire.</summary>
    public int CountCreated(TimeSpan dueTime) => created.GetValueOrDefault(dueTime);

    /// <summary>Advances the time when no timer with one of these times is pending.</summary>
    public async Task AdvanceWithoutAsync(TimeSpan step, params TimeSpan[] dueTimes)
    {
        await Eventually.IsAsync("the timers are disposed of", () => !pending.Values.Any(time => Array.IndexOf(dueTimes, time) >= 0));
        Advance(step);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ObservedTimer(base.CreateTimer(callback, state, dueTime, period), pending);
        pending[timer] = dueTime;
        created.AddOrUpdate(dueTime, 1, (_, count) => count + 1);
        return timer;
    }

    private sealed class ObservedTimer(ITimer inner, ConcurrentDictionary<ObservedTimer, TimeSpan> pending) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

        public void Dispose()
        {
            pending.TryRemove(this, out _);
            inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            pending.TryRemove(this, out _);
            return inner.DisposeAsync();
        }
    }
}
