namespace Flannel.RouteController.Infrastructure;

/// <summary>Comparison of durations.</summary>
internal static class TimeSpans
{
    public static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
