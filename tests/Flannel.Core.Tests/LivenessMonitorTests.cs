using Microsoft.Extensions.Time.Testing;

namespace Flannel.Core.Tests;

public sealed class LivenessMonitorTests
{
    private static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider time = new();
    private readonly LivenessMonitor monitor;

    public LivenessMonitorTests() => monitor = new LivenessMonitor(time);

    [Fact]
    public void Without_a_loop_nothing_hangs() => Assert.Null(monitor.Hung);

    [Fact]
    public void Work_that_takes_too_long_is_a_hang()
    {
        using var loop = monitor.Begin("the loop", LongestWork);
        Advance(LongestWork + LivenessMonitor.Slack - Moment);
        Assert.Null(monitor.Hung);
        loop.Busy();
        Advance(LongestWork + LivenessMonitor.Slack - Moment);
        Assert.Null(monitor.Hung);
        Advance(Moment);
        Assert.Equal("the loop is stuck: no progress for 660 s", monitor.Hung);
        loop.Busy();
        Assert.Null(monitor.Hung);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(86_400)]
    public void A_wait_that_takes_longer_than_reported_is_a_hang(int seconds)
    {
        using var loop = monitor.Begin("the loop", LongestWork);
        loop.Idle(TimeSpan.FromSeconds(seconds));
        Advance(TimeSpan.FromSeconds(seconds) + LivenessMonitor.Slack - Moment);
        Assert.Null(monitor.Hung);
        Advance(Moment);
        Assert.NotNull(monitor.Hung);
    }

    [Fact]
    public void A_loop_that_waits_for_an_event_never_hangs()
    {
        using var loop = monitor.Begin("the loop", LongestWork);
        foreach (var wait in new[] { Timeout.InfiniteTimeSpan, TimeSpan.MaxValue })
        {
            loop.Idle(wait);
            Advance(TimeSpan.FromDays(1000));
            Assert.Null(monitor.Hung);
        }
    }

    [Fact]
    public void A_hung_loop_is_named_until_it_ends()
    {
        using var moving = monitor.Begin("the moving one", LongestWork);
        var hanging = monitor.Begin("the hanging one", LongestWork);
        for (var minutes = 0; minutes < 20; minutes++)
        {
            Advance(TimeSpan.FromMinutes(1));
            moving.Busy();
        }

        Assert.StartsWith("the hanging one ", monitor.Hung, StringComparison.Ordinal);
        hanging.Dispose();
        Assert.Null(monitor.Hung);
    }

    private void Advance(TimeSpan span) => time.Advance(span);
}
