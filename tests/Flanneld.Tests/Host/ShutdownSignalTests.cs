using Flanneld.Host;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Host;

public sealed class ShutdownSignalTests
{
    [Fact]
    public void A_repeat_within_one_second_counts_as_one_signal_and_a_later_one_ends_the_process()
    {
        var time = new FakeTimeProvider();
        using var shutdown = new ShutdownSignal(time);
        Assert.Equal(ShutdownRequest.First, shutdown.Request());
        Assert.True(shutdown.Token.IsCancellationRequested);
        Assert.Equal(ShutdownRequest.Repeat, shutdown.Request());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ShutdownRequest.EndNow, shutdown.Request());
    }
}
