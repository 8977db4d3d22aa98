using Flannel.AliCloud.Http;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliCloud.Tests.Http;

public class CloudClockTests
{
    [Fact]
    public void It_follows_the_cloud_and_comes_back_when_the_machine_is_set_right()
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
    public void The_clouds_time_is_known_from_a_trusted_answer_on_and_no_step_of_this_machines_clock_changes_it()
    {
        var time = new SteppingTime();
        var clock = new CloudClock(time);
        Assert.Null(clock.Known);
        // Far from the time that calls are signed with, and the cloud has refused none: some proxy wrote it.
        clock.Measure(time.GetUtcNow().AddHours(5));
        Assert.Null(clock.Known);
        var cloud = time.GetUtcNow().AddMinutes(3);
        clock.Measure(cloud);
        Assert.Equal(cloud, clock.Known);
        time.Step(TimeSpan.FromHours(-7));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(cloud.AddMinutes(1), clock.Known);
        clock.Correct(cloud.AddMinutes(2));
        Assert.Equal(cloud.AddMinutes(2), clock.Known);
    }

    /// <summary>A wall clock that somebody sets, over a monotonic one that goes on.</summary>
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
    public void A_difference_is_worth_a_word_when_it_comes_and_when_it_goes()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 0, 0, TimeSpan.Zero));
        var clock = new CloudClock(time);
        Assert.Null(clock.Measured);
        Assert.False(clock.Measure(time.GetUtcNow().AddSeconds(-50)));
        Assert.True(clock.Measure(time.GetUtcNow().AddSeconds(-300)));
        Assert.False(clock.Measure(time.GetUtcNow().AddSeconds(-310)));
        Assert.Equal(TimeSpan.FromSeconds(-310), clock.Measured);
        Assert.True(clock.Measure(time.GetUtcNow()));
        Assert.Equal(time.GetUtcNow(), clock.Now); // measuring alone signs nothing otherwise
    }
}
