using Flannel.Core;
using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Publishes through the subnet manager that the node is ready, each time that it becomes ready. A failure is retried, and does
/// not affect the node.</summary>
internal sealed class ReadyReport(NodeReadiness readiness, ISubnetManager subnets, TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private string? lastLogged;

    /// <summary>Ends only by cancellation.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var changed = readiness.IsReadyChanged;
            if (readiness.IsReady) await ReportAsync(cancellation);
            await TaskWait.WaitAsync(changed, Timeout.InfiniteTimeSpan, time, cancellation);
        }
    }

    private async Task ReportAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (readiness.IsReady)
        {
            try
            {
                await subnets.ReportReadyAsync(cancellation);
                lastLogged = null;
                return;
            }
            catch (SubnetManagerException e)
            {
                if (lastLogged != e.Summary) NodeLog.ReadyNotReported(logger, e.Summary);
                lastLogged = e.Summary;
            }

            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }
}
