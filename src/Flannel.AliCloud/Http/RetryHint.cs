using System.Globalization;
using System.Net.Http.Headers;

namespace Flannel.AliCloud.Http;

/// <summary>When the service allows the next call: the rate-limit headers of Alibaba Cloud's gateway, and the HTTP header
/// <c>Retry-After</c>.</summary>
internal static class RetryHint
{
    /// <summary>Longer hints are shortened to this.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(5);

    private static readonly string[] RateLimitHeaders = ["x-ratelimit-user-api", "x-ratelimit-user"];

    /// <param name="isThrottled">True if the response says that the caller is throttled. The gateway sends the rate-limit headers with
    /// every response; they apply only to a throttled call, or if no calls remain.</param>
    /// <param name="now">The service's time, for a <c>Retry-After</c> that is a date.</param>
    /// <returns>The longest hint (the SDKs use the longest <c>TimeLeft</c>, too); null without one.</returns>
    public static TimeSpan? Read(HttpResponseHeaders headers, bool isThrottled, DateTimeOffset now)
    {
        var longest = RetryAfter(headers, now);
        foreach (var name in RateLimitHeaders)
        {
            if (!headers.TryGetValues(name, out var values)) continue;
            foreach (var value in values)
            {
                var limit = RateLimit.Parse(value);
                if ((isThrottled || limit.Remain == 0) && limit.TimeLeft is { } left && left > longest) longest = left;
            }
        }

        if (longest <= TimeSpan.Zero) return null;
        return longest < MaxWait ? longest : MaxWait;
    }

    private static TimeSpan RetryAfter(HttpResponseHeaders headers, DateTimeOffset now) => headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - now,
        _ => TimeSpan.Zero,
    };
}

/// <summary>A rate-limit header such as <c>Limit:300,Remain:0,TimeLeft:1200,Reset:0</c>.</summary>
/// <param name="Remain">Number of calls that are left; null if absent.</param>
/// <param name="TimeLeft">Time until calls are allowed again; null if absent. Milliseconds in the header.</param>
internal readonly record struct RateLimit(long? Remain, TimeSpan? TimeLeft)
{
    /// <summary>Longer times do not fit a <see cref="TimeSpan"/>.</summary>
    private const long MaxMilliseconds = int.MaxValue;

    /// <summary>No input makes it throw.</summary>
    public static RateLimit Parse(string value)
    {
        var milliseconds = Number(value, "TimeLeft");
        var timeLeft = milliseconds is { } left ? TimeSpan.FromMilliseconds(Math.Min(left, MaxMilliseconds)) : (TimeSpan?)null;
        return new(Number(value, "Remain"), timeLeft);
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
