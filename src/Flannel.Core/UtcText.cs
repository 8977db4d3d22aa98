using System.Globalization;

namespace Flannel.Core;

/// <summary>A time in messages and in the output of commands. Pure.</summary>
public static class UtcText
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>In UTC, in seconds (RFC 3339), such as <c>2026-11-28T00:25:24Z</c>.</summary>
    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);
}
