using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Fixtures;

/// <summary>The clocks of one machine: its wall clock can be wrong and can be set. While the machine is suspended its timers do not run,
/// and its timestamps advance.</summary>
public sealed class NodeClock(FakeTimeProvider time) : TimeProvider
{
    private readonly List<HeldTimer> held = [];

    public TimeSpan WallClockError { get; set; }

    public bool IsSuspended { get; private set; }

    public override long TimestampFrequency => time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + WallClockError;

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(
        argument =>
        {
            if (IsSuspended) held.Add(new HeldTimer(callback, argument));
            else callback(argument);
        },
        state, dueTime, period);

    public void Suspend() => IsSuspended = true;

    public void Resume()
    {
        IsSuspended = false;
        foreach (var timer in held.ToList()) timer.Callback(timer.State);
        held.Clear();
    }

    private sealed record HeldTimer(TimerCallback Callback, object? State);
}
