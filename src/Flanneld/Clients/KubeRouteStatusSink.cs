using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Controller;
using Flannel.RouteController.Abstractions;

namespace Flanneld.Clients;

/// <summary>Route statuses in the Nodes of Kubernetes, written during one term.</summary>
internal sealed class KubeRouteStatusSink(KubeStatusStore statuses, KubeRequestRetry retry) : IRouteStatusSink
{
    public async ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation) =>
        await retry.RunAsync<IReadOnlyDictionary<string, RouteStatus>?>(
            async () => await statuses.ReadAllAsync(cancellation), null, cancellation);

    public async ValueTask<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> updates, CancellationToken cancellation)
    {
        var noneWritten = new StatusPublishResult(IsTermHeld: true, [.. updates.Select(update => update.Lease.Key.ToString())]);
        return await retry.RunAsync(() => statuses.PublishAsync(updates, cancellation), noneWritten, cancellation);
    }

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation) =>
        await retry.RunAsync(() => statuses.DeleteAsync(subnetKeys, cancellation), true, cancellation);

    /// <summary>Nothing: the controller manager assigns the subnets, and does not know the VPC. A podCIDR that overlaps a vSwitch is logged
    /// and rejected by the plan.</summary>
    public ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        ValueTask.FromResult(true);
}
