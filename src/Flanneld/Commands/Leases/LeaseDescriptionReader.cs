using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Clients;

namespace Flanneld.Commands.Leases;

/// <summary>Reads what commands show about leases.</summary>
internal sealed class LeaseDescriptionReader(Connections connections)
{
    private const int ConcurrentLeases = 16;

    /// <summary>In the order of the leases.</summary>
    public async Task<IReadOnlyList<LeaseDescription>> ReadAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        List<Lease> routed = [.. leases.Where(lease => LeaseInstance.Read(lease.Attributes) is not null)];
        var statuses = routed.Count > 0
            ? await connections.Store.ReadRouteStatusesAsync(routed, cancellation)
            : new Dictionary<SubnetKey, RouteStatus>();
        List<LeaseDescription> described = [];
        foreach (var concurrent in leases.Chunk(ConcurrentLeases))
            described.AddRange(await Task.WhenAll(concurrent.Select(lease => DescribeAsync(lease, statuses, cancellation))));
        return described;
    }

    private async Task<LeaseDescription> DescribeAsync(
        Lease lease, IReadOnlyDictionary<SubnetKey, RouteStatus> statuses, CancellationToken cancellation)
    {
        var status = statuses.GetValueOrDefault(lease.Key);
        var isCurrent = status is not null && LeaseInstance.Read(lease.Attributes) is { } instance
            && status.IsFor(lease.Subnet, instance.Id);
        var left = await connections.Store.ReadTimeToLiveAsync(lease, cancellation);
        return new LeaseDescription(lease, left, isCurrent ? status : null);
    }
}
