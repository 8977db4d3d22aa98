using System.Globalization;
using Flannel.AliVpc.Control;
using Flannel.AliVpc.Metadata;
using Flannel.Etcd;
using Flannel.Etcd.Leasing;
using Flanneld.Interfaces;
using Flanneld.Node;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Commands;

/// <summary><c>flanneld routes</c>: what stands inside the network, and what of it belongs to nobody; with <c>--remove-leftovers</c> that is deleted.</summary>
internal sealed class RouteListing(DaemonOptions options, Connections connections, TimeProvider time, Random random, ILogger logger)
{
    /// <summary>Null when everything could be read, and deleted if asked; else what could not.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var state = await connections.Registry.ReadAsync(cancellation).ConfigureAwait(false);
            if (NodeBackend.Unusable(state.Config, options.EtcdKeys) is { } unusable) return unusable;
            var config = ((ConfigState.Present)state.Config).Config;
            var backend = Connections.Backend(config);
            using var cloud = connections.OpenCloud(backend);
            var routes = new RouteLeftovers(new RouteControllerOptions(options.EtcdKeys.Prefix, backend.RouteTableIds), cloud.Api, time, random, logger);
            var listing = await routes.ListAsync(state.ToSnapshot(), await OwnVpcAsync(cancellation).ConfigureAwait(false), cancellation)
                .ConfigureAwait(false);
            await Console.Out.WriteAsync(listing.Text).ConfigureAwait(false);
            if (options.RemoveLeftovers && listing.Leftovers.Count > 0) return await RemoveAsync(routes, listing, cancellation).ConfigureAwait(false);
            await Console.Out.WriteLineAsync(Summary(listing)).ConfigureAwait(false);
            return listing.Complete ? null : "the list is not complete: something could not be read, see above";
        }
        catch (EtcdException e)
        {
            return $"etcd: {e.Message}";
        }
    }

    private static string Summary(LeftoverListing listing) => listing.Leftovers.Count switch
    {
        0 => listing.Complete ? "no leftover" : "no leftover among what could be read",
        var count => string.Create(CultureInfo.InvariantCulture, $"{count} leftover: no lease wants them and nobody marked them; 'flanneld routes --remove-leftovers' deletes them"),
    };

    private async Task<string?> RemoveAsync(RouteLeftovers routes, LeftoverListing listing, CancellationToken cancellation)
    {
        var (deleted, problems) = await routes.RemoveAsync(
            listing.Leftovers, async () => (await connections.Registry.ReadAsync(cancellation).ConfigureAwait(false)).ToSnapshot(), cancellation).ConfigureAwait(false);
        foreach (var problem in problems) await Console.Error.WriteLineAsync(problem).ConfigureAwait(false);
        await Console.Out.WriteLineAsync($"{deleted} of {listing.Leftovers.Count} leftover deleted").ConfigureAwait(false);
        return problems.Count > 0 ? "not all could be deleted, see above"
            : listing.Complete ? null
            : "the list was not complete: something could not be read, see above";
    }

    /// <summary>Null where this host is no ECS instance: then only the VPCs of the leases are looked at.</summary>
    private async Task<VpcId?> OwnVpcAsync(CancellationToken cancellation) =>
        InterfaceSelection.OfThisHost().Select(options, out _) is { } selected
        && await new InstanceIdentityReader(connections.Metadata).ReadAsync(selected.Interface.Mac, cancellation).ConfigureAwait(false)
            is IdentityAnswer.Identity { Value: var self }
            ? new VpcId(self.RegionId, self.VpcId)
            : null;
}
