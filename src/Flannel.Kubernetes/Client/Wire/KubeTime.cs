using System.Globalization;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>The times of the API (RFC 3339, UTC).</summary>
internal static class KubeTime
{
    private const string Seconds = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    // Up to the microseconds. The API server rejects a MicroTime with another number of digits (apimachinery, micro_time.go).
    private const int MicroLength = 26;

    /// <summary>As in a <c>metav1.Time</c>.</summary>
    public static string? Format(DateTimeOffset? time) => time?.UtcDateTime.ToString(Seconds, CultureInfo.InvariantCulture);

    /// <summary>As in a <c>metav1.MicroTime</c>.</summary>
    public static string? FormatMicro(DateTimeOffset? time) =>
        time is null ? null : string.Concat(time.Value.UtcDateTime.ToString("O", CultureInfo.InvariantCulture).AsSpan(0, MicroLength), "Z");

    /// <returns>Null without a time, and for a text that is none.</returns>
    public static DateTimeOffset? Parse(string? text) =>
        DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;
}
