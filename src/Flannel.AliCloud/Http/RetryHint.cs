using System.Globalization;
using System.Net.Http.Headers;

namespace Flannel.AliCloud.Http;

/// <summary>How long a service asks its caller to wait: the rate-limit headers of Alibaba Cloud's gateway, and HTTP's own
/// <c>Retry-After</c>.</summary>
internal static class RetryHint
{
    /// <summary>A hint beyond this is not believed.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private static readonly string[] RateLimits = ["x-ratelimit-user-api", "x-ratelimit-user"];

    /// <param name="isThrottled">Whether the answer says that the caller is throttled. The gateway sends the rate-limit headers with every
    /// answer, so they count only then, or where they say that nothing remains.</param>
    /// <param name="now">The service's time, for a <c>Retry-After</c> that is a date.</param>
    /// <returns>The longest of all hints, as the SDKs take the longest <c>TimeLeft</c>; null without one.</returns>
    public static TimeSpan? Read(HttpResponseHeaders headers, bool isThrottled, DateTimeOffset now)
    {
        var longest = RetryAfter(headers, now);
        foreach (var name in RateLimits)
        {
            if (!headers.TryGetValues(name, out var values)) continue;
            foreach (var value in values)
            {
                var limit = RateLimit.Parse(value);
                if ((isThrottled || limit.Remain == 0) && limit.TimeLeft is { } left && left > longest) longest = left;
            }
        }

        if (longest <= TimeSpan.Zero) return null;
        return longest < Longest ? longest : Longest;
    }

    private static TimeSpan RetryAfter(HttpResponseHeaders headers, DateTimeOffset now) => headers.RetryAfter switch
    {
        { Delta: { } seconds } => seconds,
        { Date: { } date } => date - now,
        _ => TimeSpan.Zero,
    };
}

/// <summary>One header such as <c>Limit:300,Remain:0,TimeLeft:1200,Reset:0</c>.</summary>
/// <param name="Remain">Calls that are left; null when it is not said.</param>
/// <param name="TimeLeft">Until calls are allowed again; null when it is not said. On the wire in milliseconds.</param>
internal readonly record struct RateLimit(long? Remain, TimeSpan? TimeLeft)
{
    /// <summary>Longer times would not fit a <see cref="TimeSpan"/>.</summary>
    private const long MostMilliseconds = int.MaxValue;

    /// <summary>Total: no text makes it throw.</summary>
    public static RateLimit Parse(string value)
    {
        var milliseconds = Number(value, "TimeLeft");
        return new(Number(value, "Remain"), milliseconds is { } left ? TimeSpan.FromMilliseconds(Math.Min(left, MostMilliseconds)) : null);
    }

    private static long? Number(string value, string name)
    {
        foreach (var part in value.Split(','))
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !part.AsSpan(0, colon).Trim().Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
            if (long.TryParse(part.AsSpan(colon + 1).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return number;
        }

        return null;
    }
}
