using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
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
internal sealed record ControllerSettings(Ipv4Address PublicIp, TimeSpan Resync);

/// <summary>What observes the route controller of this process.</summary>
internal sealed record ControllerMonitoring(ControllerMetrics Metrics, LivenessMonitor Loops, ILoggerFactory Loggers);

/// <summary>Creates candidates of this node.</summary>
/// <param name="store">Where the election and the leases are.</param>
/// <param name="openCloud">The cloud's API with the credentials of a network configuration and this host.</param>
internal sealed class CandidateFactory(
    ControllerSettings settings, IControllerStore store, Func<AliVpcBackendConfig, ICloudAccess> openCloud, ControllerMonitoring monitoring,
    TimeProvider time, Random random)
    : ICandidateFactory
{
    public IControllerCandidate Create(AliVpcBackend backend, InstanceIdentity self, Func<Lease?> held)
    {
        var log = monitoring.Loggers.CreateLogger("routes");
        var cloud = new CandidateCloud(openCloud(backend.Config), time);
        var holder = new ControllerHolder(self.InstanceId, settings.PublicIp.ToString());
        var transitionTimes = new TransitionTimes();
        var options = new RouteControllerOptions(backend.Config.RouteTableIds) { Resync = settings.Resync };
        var terms = new TermRunner(
            store.CreateElection(holder, held),
            () => new ClusterReconciler(
                options, store.CreateLeaseSource(), cloud.Api,
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
