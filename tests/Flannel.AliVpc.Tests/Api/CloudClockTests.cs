using Flannel.AliVpc.Api;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliVpc.Tests.Api;

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
