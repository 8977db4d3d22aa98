using System.Threading.Channels;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;

namespace Flannel.Kubernetes.Registry;

/// <summary>Reads which node is the route controller, for a node that needs a route. A node whose route is available does not depend on it,
/// and reads rarely: 1,000 such nodes send one or two requests per second.</summary>
internal sealed class ControllerPoll(KubeContext context, IKubeElectionReader election, Lease lease, ChannelWriter<LeaseEvent> events)
{
    // With up to half of it more at random, so that nodes that began to wait together do not read together.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan IntervalWithRoute = TimeSpan.FromMinutes(10);

    private volatile bool isRouteAvailable;
    private ControllerHolder? last;
    private bool isReported;

    public void SetRouteStatus(RouteStatus? status) => isRouteAvailable = status is { State: RouteState.Available };

    /// <summary>Ends only by cancellation.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (LeaseInstance.Read(lease.Attributes) is null) await Task.Delay(Timeout.InfiniteTimeSpan, context.Time, cancellation);
        long? lastRead = null;
        while (true)
        {
            // The first event confirms the lease: so nothing is read before the pause.
            await Task.Delay((lastRead is null ? Interval / 10 : Interval) * Jitter(), context.Time, cancellation);
            if (lastRead is { } at && isRouteAvailable && context.Time.GetElapsedTime(at) < IntervalWithRoute) continue;
            await ReadAsync(cancellation);
            lastRead = context.Time.GetTimestamp();
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        try
        {
            var holder = await election.ReadControllerAsync(cancellation);
            if (isReported && holder == last) return;
            (isReported, last) = (true, holder);
            events.TryWrite(new LeaseEvent.ControllerChanged(holder));
        }
        catch (KubeException e)
        {
            KubeLog.ControllerNotRead(context.Logger, e.Message);
        }
    }

    private double Jitter() => 1 + context.Random.NextDouble() / 2;
}
