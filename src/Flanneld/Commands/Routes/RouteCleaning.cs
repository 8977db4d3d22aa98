using Flannel.Core;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Commands.Routes;

/// <summary><c>flanneld routes clean</c>: deletes the entries that its flags select, after a confirmation. It never deletes a route that a
/// lease desires: the leases are read again before each call.</summary>
internal sealed class RouteCleaning(RouteCommandContext context)
{
    private const string Incomplete = "the list is incomplete: some objects could not be read, see above";

    private DaemonOptions Options => context.Options;

    /// <returns>Success when all selected entries are deleted; also without a selection, when everything could be read.</returns>
    public Task<Result<Unit>> RunAsync(CancellationToken cancellation) => StoreErrors.ToResultAsync(() => CleanAsync(cancellation));

    /// <summary>What the flags of <c>flanneld routes</c> did before there was <c>routes clean</c>: lists all entries, and deletes without a
    /// confirmation.</summary>
    public Task<Result<Unit>> RunWithoutAskingAsync(CancellationToken cancellation) => StoreErrors.ToResultAsync(async () =>
    {
        var opened = await OpenAsync(cancellation);
        if (!opened.Ok) return Result.Failure(opened.Error);
        using var cluster = opened.Value;
        var listing = await ListAsync(cluster, cancellation);
        await new RouteList(cluster.Config, cluster.Id, listing, []).ToDocument().PrintAsync(Options);
        var removed = await RemoveAsync(cluster, RouteSelection.Of(Options, listing), cancellation);
        return removed.Ok && !listing.IsComplete ? Result.Failure(Incomplete) : removed;
    });

    private async Task<Result<Unit>> CleanAsync(CancellationToken cancellation)
    {
        var opened = await OpenAsync(cancellation);
        if (!opened.Ok) return Result.Failure(opened.Error);
        using var cluster = opened.Value;
        var listing = await ListAsync(cluster, cancellation);
        foreach (var line in listing.Problems) await Console.Error.WriteLineAsync(PrintableText.Of(line));
        if (!Options.HasRouteSelection) return await OfferAsync(listing);
        var selections = RouteSelection.Of(Options, listing);
        var shown = selections.SelectMany(selection => selection.Routes).ToList();
        if (shown.Count > 0)
        {
            await PrintAsync(shown);
            var question = shown.Count == 1 ? "Delete this route?" : $"Delete these {shown.Count} routes?";
            var confirmed = await Confirmation.AskAsync(question, Options.IsConfirmed, cancellation);
            if (!confirmed.Ok) return confirmed;
            // The answer may come late. Only what was shown and is still the same entry is deleted.
            if (!Options.IsConfirmed) selections = OnlyShown(RouteSelection.Of(Options, await ListAsync(cluster, cancellation)), shown);
        }

        var removed = await RemoveAsync(cluster, selections, cancellation);
        return removed.Ok && !listing.IsComplete ? Result.Failure(Incomplete) : removed;
    }

    private async Task<Result<RouteCluster>> OpenAsync(CancellationToken cancellation)
    {
        var state = await Progress.RunAsync(context.Connections.Store.Description, context.Connections.Subnets.ReadAsync(cancellation));
        var opened = await context.OpenAsync(state, cancellation);
        if (!opened.Ok || opened.Value.Id is not { } id || Options.RemoveRoutesOf != OwnershipMark.Of(id).Token) return opened;
        opened.Value.Dispose();
        return Result.Failure($"{Options.RemoveRoutesOf} is this cluster's own mark; use 'flanneld routes clean --stale'");
    }

    private async Task<RouteListingResult> ListAsync(RouteCluster cluster, CancellationToken cancellation)
    {
        var own = await context.ReadOwnVpcAsync(cancellation);
        return await Progress.RunAsync("the VPC API", cluster.Inventory.ListAsync(cluster.Leases, own, cancellation));
    }

    /// <summary>Without a selection nothing is deleted: unmanaged routes and those of another cluster may be in use.</summary>
    private async Task<Result<Unit>> OfferAsync(RouteListingResult listing)
    {
        List<ListedRoute> deletable = [.. listing.Unmanaged, .. listing.Stale, .. listing.OfOtherClusters];
        if (deletable.Count > 0)
        {
            await PrintAsync(deletable);
            await Console.Out.WriteLineAsync("nothing is deleted without a selection:");
            foreach (var line in RouteSelection.Offers(listing)) await Console.Out.WriteLineAsync(line);
        }
        else if (listing.IsComplete)
        {
            await Console.Out.WriteLineAsync("no unmanaged route, no stale route, and no route of another cluster");
        }

        return listing.IsComplete ? Unit.Instance : Result.Failure(Incomplete);
    }

    private Task PrintAsync(IReadOnlyList<ListedRoute> routes)
    {
        var text = RouteTable.Of([.. routes.Select(route => RouteRow.Of(route, ""))], isWide: false).ToString();
        return Console.Out.WriteLineAsync(TextColor.IsEnabled(Options.Color) ? text : TextColor.Remove(text));
    }

    private static List<RouteSelection> OnlyShown(IReadOnlyList<RouteSelection> selections, List<ListedRoute> shown) =>
    [
        .. selections.Select(selection => selection with
        {
            Routes = [.. selection.Routes.Where(route => shown.Any(known => IsSame(known, route)))],
        }),
    ];

    private static bool IsSame(ListedRoute one, ListedRoute other) =>
        one.Entry.RouteTableId == other.Entry.RouteTableId && one.Entry.RouteEntryId == other.Entry.RouteEntryId
        && one.Kind == other.Kind && one.Mark == other.Mark && one.Entry.NextHops.SequenceEqual(other.Entry.NextHops);

    private async Task<Result<Unit>> RemoveAsync(
        RouteCluster cluster, IReadOnlyList<RouteSelection> selections, CancellationToken cancellation)
    {
        var failures = 0;
        foreach (var selection in selections)
        {
            var (name, routes) = selection;
            if (routes.Count == 0)
            {
                await Console.Out.WriteLineAsync(selection.EmptyText);
                continue;
            }

            var removing = cluster.Inventory.RemoveAsync(
                routes, async () => (await context.Connections.Subnets.ReadAsync(cancellation)).ToSnapshot(), cancellation);
            var removal = await Progress.RunAsync("the VPC API", removing);
            foreach (var problem in removal.Problems) await Console.Error.WriteLineAsync(PrintableText.Of(problem));
            await Console.Out.WriteLineAsync($"{removal.Deleted} of {routes.Count} {name} deleted");
            failures += removal.Problems.Count;
        }

        return failures == 0 ? Unit.Instance : Result.Failure("not all entries could be deleted, see above");
    }
}
