using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One watch of etcd.</summary>
internal sealed class EtcdWatch : SimulatedWatch<WatchResponse>
{
    private readonly WatchCursor cursor;

    public EtcdWatch(Scheduler scheduler, ProcessContext context, WatchCursor cursor, NetworkConditions conditions)
        : base(scheduler, context, conditions)
    {
        this.cursor = cursor;
        foreach (var created in cursor.Created) Arrive(created);
    }

    public override void Poll()
    {
        if (IsClosed || IsSilent) return;
        try
        {
            foreach (var response in cursor.Take()) ArriveLater(response);
        }
        catch (EtcdException e)
        {
            EndLater(e);
        }
    }

    protected override SubnetManagerException Broken(string reason) => new EtcdException(EtcdErrorKind.Unavailable, reason, false);
}
