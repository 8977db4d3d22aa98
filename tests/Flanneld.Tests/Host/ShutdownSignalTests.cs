using Flannel.Etcd.Client;
using Flanneld.Host;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Host;

public sealed class StopTests
{
    [Fact]
    public void The_same_wish_said_twice_is_one_wish_and_a_later_one_is_impatience()
    {
        var time = new FakeTimeProvider();
        using var stop = new ShutdownSignal(time);
        Assert.True(stop.Ask(out var first));
        Assert.True(first);
        Assert.True(stop.Token.IsCancellationRequested);
        Assert.True(stop.Ask(out first));
        Assert.False(first);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(stop.Ask(out first));
        Assert.False(first);
    }
}
