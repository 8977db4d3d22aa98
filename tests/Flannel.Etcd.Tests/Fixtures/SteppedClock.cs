namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>This machine's time, with a wall clock that somebody sets. Timers and the monotonic clock go on, as with the kernel's.</summary>
public sealed class SteppedClock : TimeProvider
{
    private long ticks;

    public void Step(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Interlocked.Read(ref ticks));
}
