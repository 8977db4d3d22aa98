using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>The time of a machine that is suspended now and then: its timestamps go on meanwhile, its timers stand still.</summary>
public sealed class SuspendableTime : FakeTimeProvider
{
    private long suspended;

    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref suspended);

    public void Suspend(TimeSpan length) => Interlocked.Add(ref suspended, (long)(length.TotalSeconds * TimestampFrequency));
}
