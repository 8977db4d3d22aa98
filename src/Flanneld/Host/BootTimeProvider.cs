using System.Runtime.InteropServices;

namespace Flanneld.Host;

/// <summary>The system's time, with timestamps that go on while the machine is suspended (<c>CLOCK_BOOTTIME</c>), as the lease in etcd
/// does. .NET's own stand still then (<c>CLOCK_MONOTONIC</c>; dotnet/runtime <c>src/native/minipal/time.c</c>), and so do all
/// timers.</summary>
internal sealed partial class BootTimeProvider : TimeProvider
{
    // linux/time.h
    private const int ClockMonotonic = 1;
    private const int ClockBootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    // A kernel or sandbox may lack the clock.
    private readonly int clock = ClockGetTime(ClockBootTime, out _) == 0 ? ClockBootTime : ClockMonotonic;

    public override long TimestampFrequency => NanosecondsPerSecond;

    public override long GetTimestamp() =>
        ClockGetTime(clock, out var now) == 0
            ? now.Seconds * NanosecondsPerSecond + now.Nanoseconds
            : throw new InvalidOperationException($"clock_gettime({clock}) failed");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    /// <summary>Of the 64-bit systems that this program is built for.</summary>
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
