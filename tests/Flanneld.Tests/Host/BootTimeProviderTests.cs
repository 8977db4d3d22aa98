using System.Globalization;
using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class BootTimeProviderTests
{
    [Fact]
    public void Timestamps_count_the_time_since_boot_including_suspension()
    {
        var time = new BootTimeProvider();
        // /proc/uptime counts as CLOCK_BOOTTIME does (fs/proc/uptime.c), in hundredths of a second.
        var before = Uptime();
        var now = time.GetElapsedTime(0);
        var after = Uptime();
        Assert.InRange(now.TotalSeconds, before - 0.01, after + 0.01);

        static double Uptime() => double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
