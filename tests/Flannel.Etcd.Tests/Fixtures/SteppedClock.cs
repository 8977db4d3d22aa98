namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>This machine's time, with a wall clock that can be set. Timers and the monotonic clock are not affected, as in the
/// kernel.</summary>
public sealed class SteppedClock : TimeProvider
{
    private long ticks;

    public void Step(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Interlocked.Read(ref ticks));
}
