using System.Globalization;
using Flannel.HostNetwork;
using Flanneld.Host.Interfaces;
using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

/// <summary>Reports a change of the interface's MTU while the daemon runs: <c>subnet.env</c> and the containers keep the former
/// one.</summary>
/// <param name="known">The MTU that <c>subnet.env</c> was computed from, in bytes.</param>
/// <param name="readMtu">The present MTU of the interface; null if it cannot be read.</param>
internal sealed class MtuMonitor(string interfaceName, int known, Func<int?> readMtu, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private int? last;

    public static MtuMonitor OfThisHost(HostInterface selected, TimeProvider time, ILogger logger)
    {
        var file = $"/sys/class/net/{selected.Name}/mtu";
        return new MtuMonitor(selected.Name, selected.Mtu, () => Read(file), time, logger);
    }

    /// <summary>Ends only by cancellation.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(Interval, time, cancellation);
            Check();
        }
    }

    internal void Check()
    {
        if (readMtu() is not { } mtu || mtu == (last ?? known)) return;
        if (mtu != known) HostLog.MtuChanged(logger, interfaceName, known, mtu);
        last = mtu;
    }

    private static int? Read(string file) =>
        int.TryParse(KernelFile.Read(file), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var mtu) ? mtu : null;
}
