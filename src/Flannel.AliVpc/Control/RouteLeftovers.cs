using System.Text;
using Flannel.AliVpc.Api;
using Flannel.Core;
using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flannel.AliVpc.Control;

/// <summary>An entry inside the network that no lease wants, no cluster has marked, and no other service hosts: left by the old backend, or somebody's
/// own. The controller reports it and leaves it; only an operator can say that it is to go.</summary>
public sealed record Leftover(VpcId Vpc, RouteEntry Entry);

/// <param name="Text">Every entry inside the network, one line each, with what it is; and what could not be read.</param>
/// <param name="Complete">False when something could not be read.</param>
public sealed record LeftoverListing(string Text, IReadOnlyList<Leftover> Leftovers, bool Complete);

/// <summary>Lists the entries inside the network, and deletes those of nobody: <c>flanneld routes</c>. Beside a controller that works: what the one
/// touches the other never does.</summary>
public sealed class RouteLeftovers(RouteControllerOptions options, ICloudApi api, TimeProvider time, Random random, ILogger log)
{
    private const int LargestBatch = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <param name="own">This instance's VPC: looked at even if no node of this program is in it yet, as on the day of a migration.</param>
    public async Task<LeftoverListing> ListAsync(LeaseSnapshot snapshot, VpcId? own, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var leftovers = new List<Leftover>();
        var complete = true;
        if (snapshot.Config is not { } config) throw new ArgumentException("without a configuration nothing can be concluded", nameof(snapshot));
        var mark = OwnershipMark.For(options.EtcdPrefix, config.Network);
        var vpcs = VpcView.Group(snapshot).Keys.ToHashSet();
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
                foreach (var entry in entries.Value ?? [])
                {
                    if (entry.Destination is not { Length: > 0 } destination || !config.Network.Contains(destination)) continue;
                    var word = Describe(entry, snapshot.Leases, mark);
                    if (word == "leftover") leftovers.Add(new Leftover(vpc, entry));
                    text.Append($"  {word,-13} {entry.RouteTableId} {destination,-18} {RouteDryRun.Hops(entry)} {entry.RouteEntryId} {entry.Name}".TrimEnd()).Append('\n');
                }
            }
        }

        // A lease that cannot be read may be the one that an entry belongs to.
        if (!snapshot.IsWhole)
        {
            text.Append("  a lease cannot be read (see the log): nothing is called leftover\n");
            return new LeftoverListing(text.ToString(), [], false);
        }

        return new LeftoverListing(text.ToString(), leftovers, complete);
    }

    /// <summary>Deletes what was listed, in batches, waiting out other writers.</summary>
    /// <param name="leases">Asked before each batch: what a lease has come to want meanwhile is spared.</param>
    /// <returns>How many were deleted, and for the others one line each.</returns>
    public async Task<(int Deleted, IReadOnlyList<string> Problems)> RemoveAsync(
        IReadOnlyList<Leftover> leftovers, Func<Task<LeaseSnapshot>> leases, CancellationToken cancellation)
    {
        var problems = new List<string>();
        var deleted = 0;
        foreach (var ofVpc in leftovers.GroupBy(leftover => leftover.Vpc))
        {
            foreach (var batch in ofVpc.Select(leftover => leftover.Entry).Chunk(LargestBatch))
            {
                var now = await leases();
                var spared = now.IsWhole ? batch.Where(entry => now.Leases.Any(lease => lease.Subnet.Overlaps(entry.Destination!.Value))).ToList() : [.. batch];
                problems.AddRange(spared.Select(entry => $"{Name(entry)}: a lease wants it by now"));
                var rest = batch.Except(spared).ToList();
                if (rest.Count > 0) deleted += await DeleteAsync(ofVpc.Key, rest, problems, cancellation);
            }
        }

        return (deleted, problems);
    }

    private async Task<int> DeleteAsync(VpcId vpc, List<RouteEntry> entries, List<string> problems, CancellationToken cancellation)
    {
        var pauses = new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10), random);
        var began = time.GetTimestamp();
        while (true)
        {
            var answer = await api.DeleteRouteEntriesAsync(vpc.RegionId, entries, cancellation);
            if (answer.Value is { } outcome)
            {
                var failures = outcome.Failures.Where(failure => failure.Error.Kind != CloudErrorKind.AlreadySo).ToList();
                problems.AddRange(failures.Select(failure => $"{failure.RouteEntryId}: {failure.Error.Code} {failure.Error.Message}"));
                return entries.Count - failures.Count;
            }

            var error = answer.Error!;
            // A write whose answer was lost may have been done: the second attempt then says that the entries are gone.
            if (error.Kind is not (CloudErrorKind.Retry or CloudErrorKind.Reread) || time.GetElapsedTime(began) > Patience)
            {
                var reason = error.Kind == CloudErrorKind.Denied ? error.Denial : $"{error.Code} {error.Message}";
                problems.AddRange(entries.Select(entry => $"{Name(entry)}: {reason}{error.RequestNote}"));
                return 0;
            }

            var pause = pauses.Next(error);
            VpcTroubles.Tell(vpc, error, pause, log);
            await Task.Delay(pause, time, cancellation);
        }
    }

    private static string Name(RouteEntry entry) => $"{entry.RouteEntryId} ({entry.RouteTableId} {entry.DestinationText})";

    private static string Describe(RouteEntry entry, IReadOnlyList<Lease> leases, OwnershipMark mark)
    {
        var destination = entry.Destination!.Value;
        return !entry.IsCustom ? "hosted"
            : mark.OwnerOf(entry) == MarkOwner.OtherCluster ? "other-cluster"
            : leases.Any(lease => lease.Subnet == destination) ? "leased"
            : mark.OwnerOf(entry) == MarkOwner.Ours ? "stale"
            : leases.Any(lease => lease.Subnet.Overlaps(destination)) ? "overlapping"
            : entry.Status != RouteEntryStatus.Available ? entry.Status.ToString().ToLowerInvariant()
            : entry.NextHops.Count > 1 ? "several-hops"
            : "leftover";
    }
}
