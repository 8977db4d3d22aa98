using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Host.Interfaces;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Commands;

/// <summary><c>flanneld routes</c>: lists every entry inside the network with its owner. <c>--remove-leftovers</c>, <c>--delete-stale</c>
/// and <c>--remove-routes-of</c> delete the entries that they name.</summary>
internal sealed class RouteListing(DaemonOptions options, Connections connections, TimeProvider time, Random random, ILogger logger)
{
    /// <returns>Success when everything could be read, and deleted if requested.</returns>
    public Task<Result<Unit>> RunAsync(CancellationToken cancellation) => EtcdErrors.ToResultAsync(() => ReadAndListAsync(cancellation));

    private async Task<Result<Unit>> ReadAndListAsync(CancellationToken cancellation)
    {
        var state = await connections.Subnets.ReadAsync(cancellation);
        var backend = BackendFactory.CreateAliVpc(state.Config, options.EtcdKeys.Config.ToStringUtf8());
        if (!backend.Ok) return Result.Failure(backend.Error);
        var cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
        if (cluster is ClusterIdResult.Unreadable)
        {
            return Result.Failure(
                $"{options.EtcdKeys.Cluster.ToStringUtf8()} is not the id of a cluster;"
                + " delete the key, and the route controller creates a new one");
        }

        var id = (cluster as ClusterIdResult.Known)?.Id;
        if (id is not null && options.RemoveRoutesOf == OwnershipMark.Of(id).Token)
            return Result.Failure($"--remove-routes-of: {options.RemoveRoutesOf} is this cluster's own mark; use --delete-stale");
        using var cloud = connections.OpenCloud(backend.Value.Config);
        return await ListAsync(new RouteInventory(id, cloud.Api, time, random, logger), state, id, cancellation);
    }

    private async Task<Result<Unit>> ListAsync(
        RouteInventory routes, SubnetState state, ClusterId? cluster, CancellationToken cancellation)
    {
        var ownVpc = await ReadOwnVpcAsync(cancellation);
        var listing = await routes.ListAsync(state.ToSnapshot(), ownVpc, cancellation);
        var name = cluster?.Value ?? "without an id yet: the first route controller creates one";
        await Console.Out.WriteAsync($"cluster {name}\n");
        await Console.Out.WriteAsync(listing.Text);
        var failures = await RemoveRequestedAsync(routes, listing, cancellation);
        await Console.Out.WriteAsync(Summarize(listing));
        if (failures > 0) return Result.Failure("not all entries could be deleted, see above");
        return listing.Complete ? Unit.Instance : Result.Failure("the list is incomplete: some objects could not be read, see above");
    }

    /// <returns>The number of failures.</returns>
    private async Task<int> RemoveRequestedAsync(RouteInventory routes, RouteListingResult listing, CancellationToken cancellation)
    {
        var failures = 0;
        if (options.RemoveUnmanaged)
            failures += await RemoveAsync(routes, listing.Unmanaged, "unmanaged", cancellation);
        if (options.DeleteStale && listing.Stale.Count == 0) await Console.Out.WriteLineAsync("no stale route");
        if (options.DeleteStale) failures += await RemoveAsync(routes, listing.Stale, "stale", cancellation);
        if (options.RemoveRoutesOf is { } mark)
        {
            var others = listing.OfOtherClusters.Where(route => route.Mark == mark).ToList();
            if (others.Count == 0) await Console.Out.WriteLineAsync($"no route of {mark}");
            failures += await RemoveAsync(routes, others, $"of {mark}", cancellation);
        }

        return failures;
    }

    private async Task<int> RemoveAsync(
        RouteInventory routes, IReadOnlyList<ListedRoute> chosen, string kind, CancellationToken cancellation)
    {
        if (chosen.Count == 0) return 0;
        var removal = await routes.RemoveAsync(
            chosen, async () => (await connections.Subnets.ReadAsync(cancellation)).ToSnapshot(), cancellation);
        foreach (var problem in removal.Problems) await Console.Error.WriteLineAsync(problem);
        await Console.Out.WriteLineAsync($"{removal.Deleted} of {chosen.Count} {kind} deleted");
        return removal.Problems.Count;
    }

    /// <summary>The entries that a flag could delete and that no flag named.</summary>
    private string Summarize(RouteListingResult listing)
    {
        List<string> lines = [];
        if (listing.Unmanaged.Count == 0)
        {
            lines.Add(listing.Complete ? "no unmanaged route" : "no unmanaged route among the entries that could be read");
        }
        else if (!options.RemoveUnmanaged)
        {
            lines.Add($"{listing.Unmanaged.Count} unmanaged: no lease matches them, and they carry no mark;"
                + " 'flanneld routes --remove-leftovers' deletes them");
        }

        if (listing.Stale.Count > 0 && !options.DeleteStale)
        {
            lines.Add($"{listing.Stale.Count} stale: of this cluster, and no lease matches them;"
                + " 'flanneld routes --delete-stale' deletes them now");
        }

        var others = listing.OfOtherClusters.GroupBy(route => route.Mark!).Where(cluster => cluster.Key != options.RemoveRoutesOf);
        foreach (var cluster in others)
        {
            lines.Add($"{cluster.Count()} of another cluster;"
                + $" if it no longer exists, 'flanneld routes --remove-routes-of {cluster.Key}' deletes them");
        }

        return string.Concat(lines.Select(line => line + "\n"));
    }

    /// <summary>Null on a host that is not an ECS instance: then only the VPCs of the leases are listed.</summary>
    private async Task<VpcId?> ReadOwnVpcAsync(CancellationToken cancellation)
    {
        var selected = InterfaceSelection.OfThisHost().Select(options);
        if (!selected.Ok) return null;
        var reader = new InstanceIdentityReader(connections.Metadata);
        var result = await reader.ReadAsync(selected.Value.Interface.Mac, cancellation);
        return result is InstanceIdentityResult.Identity { Value: var self } ? new VpcId(self.RegionId, self.VpcId) : null;
    }
}
