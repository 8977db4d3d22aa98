using System.Globalization;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>The times of the API (RFC 3339, UTC).</summary>
internal static class KubeTime
{
    private const string Seconds = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    // The API server rejects a MicroTime with another number of digits (apimachinery, micro_time.go).
    private const string Micro = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    /// <summary>As in a <c>metav1.Time</c>.</summary>
    public static string? Format(DateTimeOffset? time) => time?.UtcDateTime.ToString(Seconds, CultureInfo.InvariantCulture);

    /// <summary>As in a <c>metav1.MicroTime</c>.</summary>
    public static string? FormatMicro(DateTimeOffset? time) => time?.UtcDateTime.ToString(Micro, CultureInfo.InvariantCulture);

    /// <returns>Null without a time, and for a text that is none.</returns>
    public static DateTimeOffset? Parse(string? text) =>
        DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;
}
