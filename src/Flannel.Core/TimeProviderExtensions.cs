namespace Flannel.Core;

/// <summary>Arithmetic with the timestamps of a <see cref="TimeProvider"/>, whose unit is its
/// <see cref="TimeProvider.TimestampFrequency"/>.</summary>
public static class TimeProviderExtensions
{
    /// <summary>The timestamp of the moment after <paramref name="time"/>, from now.</summary>
    public static long TimestampAfter(this TimeProvider provider, TimeSpan time) => provider.GetTimestamp() + provider.ToTimestamp(time);

    /// <summary>The length of <paramref name="time"/> in units of timestamps.</summary>
    public static long ToTimestamp(this TimeProvider provider, TimeSpan time) =>
        (long)Math.Round(time.TotalSeconds * provider.TimestampFrequency);

    /// <summary>The time from now until a timestamp; negative after it.</summary>
    public static TimeSpan TimeUntil(this TimeProvider provider, long timestamp) =>
        provider.GetElapsedTime(provider.GetTimestamp(), timestamp);

    /// <summary>True at the timestamp and after it.</summary>
    public static bool IsPast(this TimeProvider provider, long timestamp) => provider.GetTimestamp() >= timestamp;
}
