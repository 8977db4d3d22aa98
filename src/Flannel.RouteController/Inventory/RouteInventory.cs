using System.Text;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>What a listed entry is.</summary>
public enum ListedKind
{
    /// <summary>Never changed by this program: a system entry, another service's, one with several next hops or with one that is not a
    /// node.</summary>
    Hosted,

    /// <summary>Another cluster's.</summary>
    OtherCluster,

    /// <summary>Its destination is a lease's.</summary>
    Leased,

    /// <summary>This cluster's, and no lease wants it.</summary>
    Stale,

    /// <summary>It overlaps a lease.</summary>
    Overlapping,

    /// <summary>It is being changed.</summary>
    Changing,

    /// <summary>No lease wants it and no cluster has marked it: left by the old backend, or somebody's own. Only an operator can decide to
    /// delete it.</summary>
    Leftover,
}

/// <summary>An entry inside the network, or one of this cluster outside it.</summary>
/// <param name="Mark">Of the cluster that it belongs to; null without one.</param>
public sealed record ListedRoute(VpcId Vpc, RouteEntry Entry, ListedKind Kind, string? Mark)
{
    /// <summary>Whether it can be deleted as soon as somebody asks for it.</summary>
    internal bool IsSettled => Entry.Status == RouteEntryStatus.Available;
}

/// <param name="Text">Every listed entry, one line each, with what it is; and what could not be read.</param>
/// <param name="Routes">Empty when a lease could not be read: then nothing is concluded.</param>
/// <param name="Complete">False when something could not be read.</param>
public sealed record RouteListingResult(string Text, IReadOnlyList<ListedRoute> Routes, bool Complete)
{
    public IReadOnlyList<ListedRoute> Leftovers => Of(ListedKind.Leftover);

    public IReadOnlyList<ListedRoute> Stale => Of(ListedKind.Stale);

    public IReadOnlyList<ListedRoute> OfOtherClusters => Of(ListedKind.OtherCluster);

    private List<ListedRoute> Of(ListedKind kind) => [.. Routes.Where(route => route.Kind == kind && route.IsSettled)];
}

/// <param name="Problems">Of each route that was not deleted, one line.</param>
public sealed record RouteRemoval(int Deleted, IReadOnlyList<string> Problems);

/// <summary>Lists the entries inside the network, and deletes those that an operator names: <c>flanneld routes</c>. Safe beside a
/// controller: what a lease wants is never deleted.</summary>
/// <param name="cluster">Null while no route controller has worked yet: then no entry is the cluster's own.</param>
public sealed class RouteInventory(ClusterId? cluster, ICloudApi api, TimeProvider time, Random random, ILogger log)
{
    private readonly OwnershipMark mark = OwnershipMark.Of(cluster ?? ClusterId.New());

    /// <param name="own">This instance's VPC: listed even if no node of this program is in it yet, as on the day of a migration.</param>
    public async Task<RouteListingResult> ListAsync(LeaseSnapshot snapshot, VpcId? own, CancellationToken cancellation)
    {
        if (snapshot.Config is not { } config)
            throw new ArgumentException("without a configuration nothing can be concluded", nameof(snapshot));
        var text = new StringBuilder();
        var routes = new List<ListedRoute>();
        var complete = true;
        var vpcs = DesiredVpcState.Group(snapshot).Keys.ToHashSet();
        if (own is not null) vpcs.Add(own);
        foreach (var vpc in vpcs.OrderBy(vpc => vpc.ToString(), StringComparer.Ordinal))
        {
            text.Append($"{vpc}: entries inside {config.Network}\n");
            var tables = await api.DescribeRouteTableListAsync(vpc.RegionId, vpc.Id, cancellation);
            complete &= RouteDryRun.Note(text, tables.Error);
            foreach (var table in (tables.Value ?? []).Where(table => !table.IsGateway))
            {
                var entries = await api.DescribeRouteEntryListAsync(vpc.RegionId, table.RouteTableId, cancellation);
                complete &= RouteDryRun.Note(text, entries.Error);
                foreach (var route in (entries.Value ?? []).Select(entry => Listed(vpc, entry, snapshot)).OfType<ListedRoute>())
                {
                    routes.Add(route);
                    text.Append(Line(route)).Append('\n');
                }
            }
        }

        // A lease that cannot be read may be the one that an entry belongs to.
        if (snapshot.IsWhole) return new RouteListingResult(text.ToString(), routes, complete);
        text.Append("  a lease cannot be read (see the log): no route can be deleted\n");
        return new RouteListingResult(text.ToString(), [], false);
    }

    /// <summary>Deletes what was listed, in batches, waiting out other writers. A batch that may have failed because of its size is
    /// repeated in smaller ones.</summary>
    /// <param name="leases">Read before each call: what a lease has come to want meanwhile is spared.</param>
    public async Task<RouteRemoval> RemoveAsync(
        IReadOnlyList<ListedRoute> routes, Func<Task<LeaseSnapshot>> leases, CancellationToken cancellation)
    {
        var problems = new List<string>();
        var deleted = 0;
        foreach (var ofVpc in routes.GroupBy(route => route.Vpc))
            deleted += await RemoveAsync(ofVpc.Key, [.. ofVpc], leases, problems, cancellation);
        return new RouteRemoval(deleted, problems);
    }

    /// <param name="open">The routes that nothing is known of yet: emptied.</param>
    private async Task<int> RemoveAsync(
        VpcId vpc, List<ListedRoute> open, Func<Task<LeaseSnapshot>> leases, List<string> problems, CancellationToken cancellation)
    {
        var attempts = new DeletionAttempts(time, random);
        var deleted = 0;
        while (open.Count > 0)
        {
            var batch = open.Take(attempts.Size.Current).ToList();
            var now = await leases();
            var spared = batch.Where(route => !now.IsWhole || now.Leases.Any(lease => IsWantedBy(lease, route))).ToList();
            problems.AddRange(spared.Select(route => $"{Name(route.Entry)}: a lease wants it by now"));
            var rest = batch.Except(spared).ToList();
            open.RemoveRange(0, batch.Count);
            if (rest.Count == 0) continue;
            var answer = await api.DeleteRouteEntriesAsync(vpc.RegionId, [.. rest.Select(route => route.Entry)], cancellation);
            if (answer.Value is { } outcome)
            {
                attempts.Answered(rest.Count);
                // A write whose answer was lost may have been done: the next attempt then says that the entries are gone.
                var failures = outcome.Failures.Where(failure => failure.Error.Kind != CloudErrorKind.AlreadyDone).ToList();
                problems.AddRange(failures.Select(failure => $"{failure.RouteEntryId}: {failure.Error.Code} {failure.Error.Message}"));
                deleted += rest.Count - failures.Count;
            }
            else if (attempts.PauseAfter(vpc, rest.Count, answer.Error!, log) is { } pause)
            {
                open.InsertRange(0, rest);
                await Task.Delay(pause, time, cancellation);
            }
            else
            {
                // The next batch would fail in the same way, after as long a time.
                if (attempts.IsExhausted && RouteErrors.ConcernsAll(answer.Error!)) (rest, open) = ([.. rest, .. open], []);
                problems.AddRange(rest.Select(route => $"{Name(route.Entry)}: {Reason(answer.Error!)}"));
            }
        }

        return deleted;
    }

    private static string Reason(CloudError error) =>
        (error.Kind == CloudErrorKind.Denied ? error.Denial : $"{error.Code} {error.Message}") + error.RequestNote;

    /// <summary>Another cluster's entry that overlaps a lease of this one may be deleted, unless it leads to the lease's own
    /// node.</summary>
    private static bool IsWantedBy(Lease lease, ListedRoute route) => lease.Subnet.Overlaps(route.Entry.Destination!.Value)
        && (route.Kind != ListedKind.OtherCluster || DesiredVpcState.RouteOf(lease) is not { } node || node.IsServedBy(route.Entry));

    /// <summary>Null for what is not listed: the default route, and entries that are neither inside the network nor this
    /// cluster's.</summary>
    private ListedRoute? Listed(VpcId vpc, RouteEntry entry, LeaseSnapshot snapshot)
    {
        if (entry.Destination is not { Length: > 0 } destination) return null;
        var owner = mark.OwnerOf(entry);
        if (!snapshot.Config!.Network.Contains(destination) && owner != MarkOwner.Ours) return null;
        return new ListedRoute(vpc, entry, KindOf(entry, owner, snapshot.Leases), OwnershipMark.TokenOf(entry));
    }

    private static ListedKind KindOf(RouteEntry entry, MarkOwner owner, IReadOnlyList<Lease> leases)
    {
        var destination = entry.Destination!.Value;
        return leases.Any(lease => lease.Subnet == destination) && owner != MarkOwner.OtherCluster && entry.IsCustom ? ListedKind.Leased
            : !NextHops.MayBeChanged(entry, owner) ? ListedKind.Hosted
            : owner == MarkOwner.OtherCluster ? ListedKind.OtherCluster
            : owner == MarkOwner.Ours ? ListedKind.Stale
            : leases.Any(lease => lease.Subnet.Overlaps(destination)) ? ListedKind.Overlapping
            : entry.Status != RouteEntryStatus.Available ? ListedKind.Changing
            : ListedKind.Leftover;
    }

    private static string Line(ListedRoute route)
    {
        var entry = route.Entry;
        var kind = route.Kind == ListedKind.Changing ? entry.Status.ToString().ToLowerInvariant() : Word(route.Kind);
        var owner = route.Mark is { } owned && owned != entry.Name ? $"({owned})" : "";
        return $"  {kind,-13} {entry.RouteTableId} {entry.Destination,-18} {RouteDryRun.Hops(entry)}"
            + $" {entry.RouteEntryId} {entry.Name} {owner}".TrimEnd();
    }

    private static string Word(ListedKind kind) => kind == ListedKind.OtherCluster ? "other-cluster" : kind.ToString().ToLowerInvariant();

    private static string Name(RouteEntry entry) => $"{entry.RouteEntryId} ({entry.RouteTableId} {entry.DestinationText})";
}
