using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;

namespace Flanneld.Clients;

/// <summary>Route statuses and vSwitch ranges in etcd or in Kubernetes, written during one term.</summary>
internal sealed class StoreRouteStatusSink(IStoreTerm term, StoreRequestRetry retry) : IRouteStatusSink
{
    public async ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation) =>
        await retry.RunAsync<IReadOnlyDictionary<string, RouteStatus>?>(
            async () => await term.Statuses.ReadAllAsync(cancellation), null, cancellation);

    public async ValueTask<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> updates, CancellationToken cancellation)
    {
        var noneWritten = new StatusPublishResult(IsTermHeld: true, [.. updates.Select(update => update.Lease.Key.ToString())]);
        return await retry.RunAsync(() => term.Statuses.PublishAsync(updates, cancellation), noneWritten, cancellation);
    }

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation) =>
        await retry.RunAsync(() => term.Statuses.DeleteAsync(subnetKeys, cancellation), true, cancellation);

    public async ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        await retry.RunAsync(() => term.PublishVSwitchesAsync(vpcId, ranges, cancellation), true, cancellation);
}
