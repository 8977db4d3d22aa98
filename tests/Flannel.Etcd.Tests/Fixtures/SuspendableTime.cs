using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>The time of a machine that can be suspended: meanwhile its timestamps advance, and its timers do not.</summary>
public sealed class SuspendableTime : FakeTimeProvider
{
    private long suspended;

    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref suspended);

    public void Suspend(TimeSpan length) => Interlocked.Add(ref suspended, (long)(length.TotalSeconds * TimestampFrequency));
}
