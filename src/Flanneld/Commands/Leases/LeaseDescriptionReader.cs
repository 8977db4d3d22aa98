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
        List<LeaseDescription> described = [];
        foreach (var concurrent in leases.Chunk(ConcurrentLeases))
            described.AddRange(await Task.WhenAll(concurrent.Select(lease => ReadAsync(lease, cancellation))));
        return described;
    }

    private async Task<LeaseDescription> ReadAsync(Lease lease, CancellationToken cancellation)
    {
        RouteStatus? route = null;
        if (LeaseInstance.Read(lease.Attributes) is { } instance)
        {
            var status = await connections.Subnets.ReadRouteStatusAsync(lease.Key, cancellation);
            if (status?.IsFor(lease.Subnet, instance.Id) == true) route = status;
        }

        var left = await connections.Store.ReadTimeToLiveAsync(lease, cancellation);
        return new LeaseDescription(lease, left, route);
    }
}
