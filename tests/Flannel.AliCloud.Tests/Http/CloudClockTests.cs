using Flannel.AliCloud.Http;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliCloud.Tests.Http;

public class CloudClockTests
{
    [Fact]
    public void It_follows_the_cloud_and_returns_when_the_local_clock_is_corrected()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 0, 0, TimeSpan.Zero));
        var clock = new CloudClock(time);
        var cloud = time.GetUtcNow().AddHours(2);
        clock.Correct(cloud);
        Assert.Equal(cloud, clock.Now);
        time.Advance(TimeSpan.FromHours(2));
        clock.Correct(time.GetUtcNow());
        Assert.Equal(time.GetUtcNow(), clock.Now);
    }

    [Fact]
    public void A_step_of_the_local_clock_does_not_change_the_trusted_time()
    {
        var time = new SteppingTime();
        var clock = new CloudClock(time);
        Assert.Null(clock.TrustedTime);
        // Far from the signing time, and the cloud has rejected no call: the header is from a proxy.
        clock.Measure(time.GetUtcNow().AddHours(5));
        Assert.Null(clock.TrustedTime);
        var cloud = time.GetUtcNow().AddMinutes(3);
        clock.Measure(cloud);
        Assert.Equal(cloud, clock.TrustedTime);
        time.Step(TimeSpan.FromHours(-7));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(cloud.AddMinutes(1), clock.TrustedTime);
        clock.Correct(cloud.AddMinutes(2));
        Assert.Equal(cloud.AddMinutes(2), clock.TrustedTime);
    }

    /// <summary>A wall clock that the test sets, with a monotonic clock that continues.</summary>
    private sealed class SteppingTime : TimeProvider
    {
        private readonly FakeTimeProvider inner = new(new DateTimeOffset(2026, 1, 2, 3, 0, 0, TimeSpan.Zero));
        private TimeSpan steps;

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + steps;

        public override long GetTimestamp() => inner.GetTimestamp();

        public void Step(TimeSpan step) => steps += step;

        public void Advance(TimeSpan time) => inner.Advance(time);
    }

    [Fact]
    public void A_difference_is_reported_when_it_begins_and_when_it_ends()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 0, 0, TimeSpan.Zero));
        var clock = new CloudClock(time);
        Assert.Null(clock.MeasuredDifference);
        Assert.False(clock.Measure(time.GetUtcNow().AddSeconds(-50)));
        Assert.True(clock.Measure(time.GetUtcNow().AddSeconds(-300)));
        Assert.False(clock.Measure(time.GetUtcNow().AddSeconds(-310)));
        Assert.Equal(TimeSpan.FromSeconds(-310), clock.MeasuredDifference);
        Assert.True(clock.Measure(time.GetUtcNow()));
        Assert.Equal(time.GetUtcNow(), clock.Now); // measuring alone does not change the signing time
    }
}
