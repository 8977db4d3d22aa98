using Flannel.AliCloud.Metadata;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Host.Interfaces;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Commands;

/// <summary><c>flanneld routes</c>: every entry inside the network with its owner. With <c>--remove-leftovers</c>, <c>--delete-stale</c> or
/// <c>--remove-routes-of</c>, those that are named are deleted.</summary>
internal sealed class RouteListing(DaemonOptions options, Connections connections, TimeProvider time, Random random, ILogger logger)
{
    /// <summary>Null when everything could be read, and deleted if asked; else what could not.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var state = await connections.Registry.ReadAsync(cancellation);
            if (NodeBackend.Unusable(state.Config, options.EtcdKeys) is { } unusable) return unusable;
            var cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
            if (cluster is ClusterIdResult.Unreadable)
                return $"{options.EtcdKeys.Cluster.ToStringUtf8()} is not the id of a cluster;"
                    + " delete the key, and the route controller creates a new one";
            var id = (cluster as ClusterIdResult.Known)?.Id;
            if (id is not null && options.RemoveRoutesOf == OwnershipMark.Of(id).Token)
                return $"--remove-routes-of: {options.RemoveRoutesOf} is this cluster's own mark; use --delete-stale";
            var backend = Connections.Backend(((ConfigState.Present)state.Config).Config);
            using var cloud = connections.OpenCloud(backend);
            var routes = new RouteInventory(id, cloud.Api, time, random, logger);
            var listing = await routes.ListAsync(state.ToSnapshot(), await OwnVpcAsync(cancellation), cancellation);
            var name = id?.Value ?? "without an id yet: the first route controller creates one";
            await Console.Out.WriteAsync($"cluster {name}\n");
            await Console.Out.WriteAsync(listing.Text);
            return await RemoveAsync(routes, listing, cancellation);
        }
        catch (EtcdException e)
        {
            return $"etcd: {e.Message}";
        }
    }

    private async Task<string?> RemoveAsync(RouteInventory routes, RouteListingResult listing, CancellationToken cancellation)
    {
        var problems = 0;
        if (options.RemoveLeftovers)
            problems += await RemoveAsync(routes, listing.Leftovers, "leftover", cancellation);
        if (options.DeleteStale && listing.Stale.Count == 0) await Console.Out.WriteLineAsync("no stale route");
        if (options.DeleteStale) problems += await RemoveAsync(routes, listing.Stale, "stale", cancellation);
        if (options.RemoveRoutesOf is { } mark)
        {
            var others = listing.OfOtherClusters.Where(route => route.Mark == mark).ToList();
            if (others.Count == 0) await Console.Out.WriteLineAsync($"no route of {mark}");
            problems += await RemoveAsync(routes, others, $"of {mark}", cancellation);
        }

        await Console.Out.WriteAsync(Summary(listing));
        return problems > 0 ? "not all could be deleted, see above"
            : listing.Complete ? null
            : "the list is not complete: something could not be read, see above";
    }

    private async Task<int> RemoveAsync(
        RouteInventory routes, IReadOnlyList<ListedRoute> chosen, string kind, CancellationToken cancellation)
    {
        if (chosen.Count == 0) return 0;
        var removal = await routes.RemoveAsync(
            chosen, async () => (await connections.Registry.ReadAsync(cancellation)).ToSnapshot(),
            cancellation);
        foreach (var problem in removal.Problems) await Console.Error.WriteLineAsync(problem);
        await Console.Out.WriteLineAsync($"{removal.Deleted} of {chosen.Count} {kind} deleted");
        return removal.Problems.Count;
    }

    /// <summary>What can be deleted, and was not asked for.</summary>
    private string Summary(RouteListingResult listing)
    {
        List<string> lines = [];
        if (listing.Leftovers.Count == 0) lines.Add(listing.Complete ? "no leftover" : "no leftover among what could be read");
        else if (!options.RemoveLeftovers)
        {
            lines.Add($"{listing.Leftovers.Count} leftover: no lease wants them and nobody marked them;"
                + " 'flanneld routes --remove-leftovers' deletes them");
        }

        if (listing.Stale.Count > 0 && !options.DeleteStale)
        {
            lines.Add($"{listing.Stale.Count} stale: of this cluster, and no lease wants them;"
                + " 'flanneld routes --delete-stale' deletes them now");
        }

        foreach (var cluster in listing.OfOtherClusters.GroupBy(route => route.Mark!)
            .Where(cluster => cluster.Key != options.RemoveRoutesOf))
        {
            lines.Add($"{cluster.Count()} of another cluster;"
                + $" if it is gone, 'flanneld routes --remove-routes-of {cluster.Key}' deletes them");
        }

        return string.Concat(lines.Select(line => line + "\n"));
    }

    /// <summary>Null where this host is no ECS instance: then only the VPCs of the leases are listed.</summary>
    private async Task<VpcId?> OwnVpcAsync(CancellationToken cancellation) =>
        InterfaceSelection.OfThisHost().Select(options, out _) is { } selected
        && await new InstanceIdentityReader(connections.Metadata).ReadAsync(selected.Interface.Mac, cancellation)
            is InstanceIdentityResult.Identity { Value: var self }
            ? new VpcId(self.RegionId, self.VpcId)
            : null;
}
