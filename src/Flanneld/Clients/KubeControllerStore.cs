using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.Kubernetes.Registry;
using Flannel.RouteController.Abstractions;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>The election by a Lease, and the leases of the Nodes in Kubernetes.</summary>
/// <param name="nodeName">Of this node.</param>
/// <param name="netConf">With the network configuration.</param>
/// <param name="logger">Of the route controller.</param>
internal sealed class KubeControllerStore(KubeControllerContext context, string nodeName, NetConfFile netConf, ILogger logger)
    : IControllerStore
{
    public IElection CreateElection(ControllerHolder self, Func<Lease?> held) =>
        new KubeRouteControllerElection(new KubeElection(context, nodeName, self), context.Kube.Time, context.Kube.Random, logger);

    public ILeaseSource CreateLeaseSource() => new KubeLeaseSource(context.CreateLeaseWatcher(netConf));
}
