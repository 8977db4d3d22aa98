using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One watch of the API server, until the server ends it: then the next event is null.</summary>
internal sealed class KubeWatch(Scheduler scheduler, ProcessContext context, NodeWatchCursor cursor, NetworkConditions conditions)
    : SimulatedWatch<KubeNodeEvent?>(scheduler, context, conditions)
{
    private ScheduledAction? due;

    public override void Poll()
    {
        if (IsClosed || IsSilent || Conditions.ClusterDown) return;
        try
        {
            foreach (var next in cursor.Take()) ArriveLater(next);
            if (cursor.IsEnded)
            {
                Close();
                ArriveLater(null);
            }
        }
        catch (KubeException e)
        {
            EndLater(e);
        }

        if (due is not null) due.Cancelled = true;
        if (!IsClosed) due = Scheduler.After(cursor.NextDue + TimeSpan.FromMilliseconds(1), Poll);
    }

    protected override SubnetManagerException Broken(string reason) =>
        new KubeException(KubeErrorKind.Unavailable, $"watch nodes: {reason}");
}
