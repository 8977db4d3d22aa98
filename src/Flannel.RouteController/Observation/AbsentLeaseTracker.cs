using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Routes;

namespace Flannel.RouteController.Observation;

/// <summary>For how long the leases of marked entries have been absent, across the terms of route controllers. It adds up time that a
/// controller observed on its monotonic clock; a wrong wall clock only delays a deletion. A document in etcd passes it to the next
/// term.</summary>
/// <remarks>Thread-safe: every VPC's loop writes here, and the term's own task writes the document.</remarks>
internal sealed class AbsentLeaseTracker(ClusterId cluster, TimeProvider time)
{
    /// <summary>What earlier terms observed never suffices alone: etcd may have been restored between two terms, with an old
    /// document.</summary>
    public static readonly TimeSpan LeastInTerm = TimeSpan.FromHours(1);

    /// <summary>At most this much time is lost when the controller changes.</summary>
    public static readonly TimeSpan WriteInterval = TimeSpan.FromMinutes(10);

    /// <summary>An older document, or one from the future, comes from a restored etcd, from before a time without a controller, or from a
    /// wrong clock.</summary>
    private static readonly TimeSpan OldestDocument = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly Dictionary<string, Dictionary<string, TimeSpan>> observed = [];
    private Dictionary<string, TimeSpan> fromEarlierTerms = [];
    private bool isStoredEmpty;

    /// <param name="document">As another term, or this one, wrote it; null if there is none.</param>
    public void Load(byte[]? document)
    {
        isStoredEmpty = document is null;
        if (AbsenceDocument.Parse(document) is not { Routes: { } routes } read || read.Cluster != cluster.Value) return;
        if ((time.GetUtcNow() - read.WrittenAt).Duration() > OldestDocument) return;
        // More than a lease time is no further evidence, and a negative number is invalid.
        var most = (long)FlannelContract.LeaseTime.TotalSeconds;
        lock (gate)
        {
            fromEarlierTerms = routes.ToDictionary(route => route.Key, route => TimeSpan.FromSeconds(Math.Clamp(route.Value, 0, most)));
        }
    }

    /// <summary>What earlier terms observed. Zero for an entry that was updated or created since.</summary>
    public TimeSpan InEarlierTerms(RouteEntry entry)
    {
        lock (gate) return fromEarlierTerms.GetValueOrDefault(NameOf(entry));
    }

    /// <summary>Records the marked entries of a table whose lease is absent now, and for how long.</summary>
    /// <param name="entriesOf">Names the entries that <paramref name="absences"/> are about: those of one family in one table.</param>
    public void Observe(string entriesOf, IReadOnlyCollection<AbsentLease> absences)
    {
        var totals = new Dictionary<string, TimeSpan>();
        foreach (var absence in absences) totals[NameOf(absence.Entry)] = absence.Total;
        lock (gate) observed[entriesOf] = totals;
    }

    /// <summary>The lease of this entry exists: the count starts again.</summary>
    public void Forget(RouteEntry entry)
    {
        lock (gate)
        {
            if (fromEarlierTerms.Count > 0) fromEarlierTerms.Remove(NameOf(entry));
        }
    }

    /// <summary>The leases could not be read: every count starts again.</summary>
    public void ForgetAll()
    {
        lock (gate) fromEarlierTerms.Clear();
    }

    /// <summary>Null if there is nothing to write.</summary>
    public byte[]? TakeDocument()
    {
        lock (gate)
        {
            var routes = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var (name, total) in observed.Values.SelectMany(table => table)) routes[name] = (long)total.TotalSeconds;
            if (routes.Count == 0 && isStoredEmpty) return null;
            isStoredEmpty = routes.Count == 0;
            return new AbsenceDocument(cluster.Value, time.GetUtcNow(), routes).ToJson();
        }
    }

    /// <summary>Contains the next hop: an updated entry is another node's route.</summary>
    private static string NameOf(RouteEntry entry) => $"{entry.RouteEntryId} {(entry.NextHops.Count > 0 ? entry.NextHops[0].Id : "-")}";
}

/// <param name="Total">For how long the lease has been absent, in this term and in earlier ones.</param>
internal sealed record AbsentLease(RouteEntry Entry, TimeSpan Total);
