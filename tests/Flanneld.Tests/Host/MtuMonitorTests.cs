using Flanneld.Host;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Host;

public sealed class MtuMonitorTests
{
    [Fact]
    public void Each_change_is_reported_once_and_the_return_to_the_known_MTU_is_not()
    {
        var log = new RecordingLogger();
        int? mtu = 1500;
        var monitor = new MtuMonitor("eth0", known: 1500, () => mtu, TimeProvider.System, log);

        foreach (var value in new int?[] { 1500, 8500, 8500, null, 8500, 1500, 1400 })
        {
            mtu = value;
            monitor.Check();
        }

        Assert.All(log.Lines, line => Assert.Equal((1013, LogLevel.Warning), (line.EventId, line.Level)));
        Assert.Equal(
            ["the MTU of eth0 changed from 1500 to 8500 bytes", "the MTU of eth0 changed from 1500 to 1400 bytes"],
            log.Texts.Select(text => text.Split(';')[0]));
    }
}
