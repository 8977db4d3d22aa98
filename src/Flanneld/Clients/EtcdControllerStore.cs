using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Abstractions;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>The election and the leases in etcd.</summary>
/// <param name="logger">Of the route controller.</param>
internal sealed class EtcdControllerStore(EtcdContext context, ILogger logger) : IControllerStore
{
    public IElection CreateElection(ControllerHolder self, Func<Lease?> held)
    {
        var report = new NonCandidateReport(new NonCandidateStore(context), self, held, context.Time);
        return new EtcdRouteControllerElection(new EtcdElection(context, self, held), report, context, logger);
    }

    public ILeaseSource CreateLeaseSource() => new EtcdLeaseSource(new LeaseWatcher(context));
}
