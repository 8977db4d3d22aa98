using System.Globalization;
using CsCheck;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Http;

public class RetryHintTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Theory]
    [InlineData("Limit:300,Remain:0,TimeLeft:1200,Reset:0", 0L, 1200)]
    [InlineData("Limit:300,Remain:299,TimeLeft:58000,Reset:1", 299L, 58_000)]
    [InlineData("timeleft: 7", null, 7)]
    [InlineData("Limit:300", null, -1)]
    [InlineData("TimeLeft:", null, -1)]
    [InlineData("TimeLeft:-5", null, -1)]
    [InlineData("TimeLeft:99999999999999999999", null, -1)]
    [InlineData("TimeLeft:9223372036854775807", null, int.MaxValue)]
    [InlineData("", null, -1)]
    public void A_rate_limit_header_is_read(string value, long? remain, int milliseconds)
    {
        var limit = RateLimit.Parse(value);
        Assert.Equal(remain, limit.Remain);
        Assert.Equal(milliseconds < 0 ? null : TimeSpan.FromMilliseconds(milliseconds), limit.TimeLeft);
    }

    [Fact]
    public void No_header_makes_the_reader_throw() => Gen.String.Sample(text =>
        RateLimit.Parse(text).TimeLeft is null or { Ticks: >= 0 }
            && RateLimit.Parse($"TimeLeft:{text}").TimeLeft is null or { Ticks: >= 0 },
        seed: Seeds.Texts, iter: 2000);

    [Theory]
    [InlineData(true, "x-ratelimit-user", "Limit:300,Remain:7,TimeLeft:1200", 1.2)]
    [InlineData(true, "x-ratelimit-user", "TimeLeft:86400000", 300)] // limited to five minutes
    [InlineData(true, "x-ratelimit-user", "TimeLeft:0", 0)]
    [InlineData(false, "x-ratelimit-user", "Limit:300,Remain:299,TimeLeft:58000,Reset:1",
        0)] // of a real TaskConflict: it would pause the writes for 58 s
    [InlineData(false, "x-ratelimit-user-api", "Limit:300,Remain:0,TimeLeft:58000,Reset:1", 58)]
    [InlineData(false, "Retry-After", "7", 7)]
    [InlineData(false, "Retry-After", "Fri, 02 Jan 2026 03:04:45 GMT", 40)]
    [InlineData(false, "Retry-After", "Fri, 02 Jan 2026 03:04:00 GMT", 0)]
    [InlineData(false, "Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT", 300)]
    [InlineData(false, "Retry-After", "soon", 0)]
    public void A_hint_applies_only_in_the_documented_cases(bool isThrottled, string name, string value, double seconds)
    {
        using var response = StubHandler.Error("TaskConflict", (name, value));
        Assert.Equal(seconds == 0 ? null : TimeSpan.FromSeconds(seconds), RetryHint.Read(response.Headers, isThrottled, Now));
    }

    [Fact]
    public void The_longest_of_several_hints_applies()
    {
        using var response = StubHandler.Error(
            "Throttling", ("x-ratelimit-user", "TimeLeft:2500"), ("x-ratelimit-user-api", "TimeLeft:1200"),
            ("Retry-After", Now.AddSeconds(2).ToString("R", CultureInfo.InvariantCulture)));
        Assert.Equal(TimeSpan.FromMilliseconds(2500), RetryHint.Read(response.Headers, true, Now));
    }
}
