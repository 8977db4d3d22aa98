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
        Assert.True(clock.Correct(cloud));
        Assert.Equal(cloud, clock.Now);
        Assert.False(clock.Correct(cloud.AddSeconds(30)));
        time.Advance(TimeSpan.FromHours(2));
        Assert.True(clock.Correct(time.GetUtcNow()));
        Assert.Equal(time.GetUtcNow(), clock.Now);
    }
}
