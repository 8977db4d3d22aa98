using CsCheck;
using Flannel.AliVpc.Api;
using Flannel.AliVpc.Tests.Support;

namespace Flannel.AliVpc.Tests.Api;

public class CloudErrorsTests
{
    [Theory]
    [InlineData("Limit:300,Remain:0,TimeLeft:1200,Reset:0", 1200)]
    [InlineData("timeleft: 7", 7)]
    [InlineData("Limit:300", -1)]
    [InlineData("TimeLeft:", -1)]
    [InlineData("TimeLeft:-5", -1)]
    [InlineData("TimeLeft:99999999999999999999", -1)]
    [InlineData("", -1)]
    public void The_time_left_is_read_from_the_rate_limit(string value, long milliseconds) => Assert.Equal(milliseconds, CloudErrors.TimeLeft(value));

    [Fact]
    public void No_header_makes_the_reader_throw() =>
        Gen.String.Sample(text => CloudErrors.TimeLeft(text) >= -1 && CloudErrors.TimeLeft($"TimeLeft:{text}") >= -1, seed: Seeds.Texts, iter: 2000);

    [Theory]
    [InlineData("x-ratelimit-user", "TimeLeft:86400000", 300)]
    [InlineData("x-ratelimit-user", "TimeLeft:0", 0)]
    [InlineData("Retry-After", "7", 7)]
    [InlineData("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT", 0)]
    public void A_hint_is_bounded(string name, string value, int seconds)
    {
        using var response = StubHandler.Error("Throttling", (name, value));
        Assert.Equal(seconds == 0 ? null : TimeSpan.FromSeconds(seconds), CloudErrors.RetryAfter(response.Headers));
    }

    [Fact]
    public void A_message_is_one_bounded_line()
    {
        Assert.Equal("a  b", CloudErrors.Line("a\r\nb\u2028", 10));
        Assert.Equal(10, CloudErrors.Line(new string('x', 50), 10).Length);
    }
}
