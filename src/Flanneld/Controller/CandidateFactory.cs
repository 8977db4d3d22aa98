using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.RouteController;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>An operator's settings of the route controller.</summary>
/// <param name="PublicIp">Published as the route controller's address.</param>
/// <param name="Resync">Between two full comparisons of the route tables.</param>
internal sealed record ControllerSettings(EtcdKeys Keys, Ipv4Address PublicIp, TimeSpan Resync);

/// <summary>What observes the route controller of this process.</summary>
internal sealed record ControllerMonitoring(ControllerMetrics Metrics, LivenessMonitor Loops, ILoggerFactory Loggers);

/// <summary>Creates candidates whose election and leases are in etcd.</summary>
/// <param name="openCloud">The cloud's API with the credentials of a network configuration and this host.</param>
internal sealed class CandidateFactory(
    ControllerSettings settings, IEtcd etcd, Func<AliVpcBackendConfig, ICloudAccess> openCloud, ControllerMonitoring monitoring,
    TimeProvider time, Random random)
    : ICandidateFactory
{
    public IControllerCandidate Create(AliVpcBackend backend, InstanceIdentity self, Func<Lease?> held)
    {
        var context = new EtcdContext(etcd, settings.Keys, time, random, monitoring.Loggers.CreateLogger("etcd"));
        var log = monitoring.Loggers.CreateLogger("routes");
        var cloud = new CandidateCloud(openCloud(backend.Config), time);
        var holder = new ControllerHolder(self.InstanceId, settings.PublicIp.ToString());
        var election = new EtcdElection(context, holder, held);
        var report = new NonCandidateReport(new NonCandidateStore(context), holder, held, time);
        var transitionTimes = new TransitionTimes();
        var options = new RouteControllerOptions(backend.Config.RouteTableIds) { Resync = settings.Resync };
        var terms = new TermRunner(
            new EtcdRouteControllerElection(election, report, settings.Keys, time, random, log),
            () => new ClusterReconciler(
                options, new EtcdLeaseSource(new LeaseWatcher(context)), cloud.Api,
                new ControllerContext(time, random, log, monitoring.Loops)
                {
                    Observer = monitoring.Metrics,
                    TransitionTimes = transitionTimes,
                    PlanLog = monitoring.Loggers.CreateLogger(LogLevels.PlanCategory),
                }),
            monitoring.Metrics, time, log);
        return new ControllerCandidate(cloud, AliVpcBackendData.Of(self), terms, time, random, log);
    }
}
