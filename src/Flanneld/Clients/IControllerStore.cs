using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;

namespace Flanneld.Clients;

/// <summary>What the route controller uses of the cluster's store.</summary>
internal interface IControllerStore
{
    /// <summary>The election, in which this node takes part.</summary>
    /// <param name="held">This node's lease as it is now; null without one.</param>
    IElection CreateElection(ControllerHolder self, Func<Lease?> held);

    /// <summary>The leases, for one term.</summary>
    ILeaseSource CreateLeaseSource();
}
