using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flanneld.Backends;
using Flanneld.Commands.Leases;

namespace Flanneld.Commands.Routes;

/// <summary>Reads what <c>flanneld routes</c> shows: the leases and the route tables.</summary>
internal sealed class RouteListReader(RouteCommandContext context)
{
    /// <summary>The statuses of more leases are not read: their messages would be the same.</summary>
    private const int MaxDescribed = 64;

    /// <summary>Fails when etcd could not be read, or the configuration is missing or invalid. What the API could not read is a part of the
    /// list.</summary>
    public Task<Result<RouteList>> ReadAsync(CancellationToken cancellation) =>
        StoreErrors.ToResultAsync(() => ReadListAsync(cancellation));

    private async Task<Result<RouteList>> ReadListAsync(CancellationToken cancellation)
    {
        var state = await context.Connections.Subnets.ReadAsync(cancellation);
        if (state.Config is ConfigState.Present { Config: var config }
            && BackendFactory.Create(config) is { Ok: true, Value: { RequiresRoute: false } })
        {
            var leases = state.Leases.Select(lease => new LeaseDescription(lease, null, null));
            return new RouteList(config, null, null, [.. leases]) { IsLeaseListComplete = state.IsComplete };
        }

        var opened = await context.OpenAsync(state, cancellation);
        if (!opened.Ok) return Result.Failure(opened.Error);
        using var cluster = opened.Value;
        var own = await context.ReadOwnVpcAsync(cancellation);
        var listing = await cluster.Inventory.ListAsync(cluster.Leases, own, cancellation);
        var lacking = listing.Gaps.Select(gap => gap.Lease).DistinctBy(lease => lease.Key).Take(MaxDescribed).ToList();
        return new RouteList(cluster.Config, cluster.Id, listing, await DescribeAsync(lacking, cancellation));
    }

    private Task<IReadOnlyList<LeaseDescription>> DescribeAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation) =>
        new LeaseDescriptionReader(context.Connections).ReadAsync(leases, cancellation);
}
