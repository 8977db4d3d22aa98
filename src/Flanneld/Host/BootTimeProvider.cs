using System.Runtime.InteropServices;

namespace Flanneld.Host;

/// <summary>The system's time. Its timestamps count the time of a suspended machine (<c>CLOCK_BOOTTIME</c>), as the lease in etcd does.
/// .NET's own timestamps and all timers stop then (<c>CLOCK_MONOTONIC</c>; dotnet/runtime <c>src/native/minipal/time.c</c>).</summary>
internal sealed partial class BootTimeProvider : TimeProvider
{
    // linux/time.h
    private const int ClockMonotonic = 1;
    private const int ClockBootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    // Some sandboxes lack the clock.
    private readonly int clock = ClockGetTime(ClockBootTime, out _) == 0 ? ClockBootTime : ClockMonotonic;

    public override long TimestampFrequency => NanosecondsPerSecond;

    public override long GetTimestamp() =>
        ClockGetTime(clock, out var now) == 0
            ? now.Seconds * NanosecondsPerSecond + now.Nanoseconds
            : throw new InvalidOperationException($"clock_gettime({clock}) failed");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    /// <summary><c>struct timespec</c> of 64-bit Linux.</summary>
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
