namespace Flannel.RouteController.Infrastructure;

/// <summary>Arithmetic with the timestamps of a <see cref="TimeProvider"/>.</summary>
internal static class TimestampExtensions
{
    /// <summary>The timestamp that is <paramref name="span"/> after now.</summary>
    public static long TimestampAfter(this TimeProvider time, TimeSpan span) =>
        time.GetTimestamp() + (long)Math.Round(span.TotalSeconds * time.TimestampFrequency);

    public static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
