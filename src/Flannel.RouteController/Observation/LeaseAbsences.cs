using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>How long the leases of marked entries have been missing, across the terms of route controllers. What is added up is time that a
/// controller observed on its monotonic clock; a wrong wall clock only delays a deletion. One document in etcd carries it from term to
/// term.</summary>
/// <remarks>Thread-safe: every VPC's loop reports here, and the term's own task writes the document.</remarks>
internal sealed class LeaseAbsences(ClusterId cluster, TimeProvider time)
{
    /// <summary>What earlier terms observed never suffices alone: etcd may have been restored between two terms, with an old
    /// document.</summary>
    public static readonly TimeSpan LeastInTerm = TimeSpan.FromHours(1);

    /// <summary>How often the document is written: at most this much time is lost when the controller changes.</summary>
    public static readonly TimeSpan WriteEvery = TimeSpan.FromMinutes(10);

    /// <summary>An older document, or one from the future, is of a restored etcd, of a time without a controller, or of a wrong
    /// clock.</summary>
    private static readonly TimeSpan OldestDocument = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly Dictionary<string, Dictionary<string, TimeSpan>> observed = [];
    private Dictionary<string, TimeSpan> carried = [];
    private bool isEmptyInEtcd;

    /// <param name="document">As another term, or this one, wrote it; null when there is none.</param>
    public void Load(byte[]? document)
    {
        isEmptyInEtcd = document is null;
        if (Parse(document) is not { Routes: { } routes } read || read.Cluster != cluster.Value) return;
        if ((time.GetUtcNow() - read.WrittenAt).Duration() > OldestDocument) return;
        // More than a lease time says no more than that, and an absurd number is no time at all.
        var most = (long)FlannelContract.LeaseTime.TotalSeconds;
        lock (gate) carried = routes.ToDictionary(route => route.Key, route => TimeSpan.FromSeconds(Math.Clamp(route.Value, 0, most)));
    }

    /// <summary>What earlier terms observed; zero for an entry that was re-pointed or made anew since.</summary>
    public TimeSpan CarriedOf(RouteEntry entry)
    {
        lock (gate) return carried.GetValueOrDefault(NameOf(entry));
    }

    /// <summary>The marked entries of a table whose lease is missing now, and for how long. What earlier terms observed of others is
    /// void.</summary>
    public void Observe(string tableId, IReadOnlyCollection<AbsentLease> absences)
    {
        var totals = new Dictionary<string, TimeSpan>();
        foreach (var absence in absences) totals[NameOf(absence.Entry)] = absence.Total;
        lock (gate) observed[tableId] = totals;
    }

    /// <summary>The lease of this entry exists, or could not be seen: the count begins anew.</summary>
    public void Forget(RouteEntry entry)
    {
        lock (gate) carried.Remove(NameOf(entry));
    }

    /// <summary>Nothing could be seen: every count begins anew.</summary>
    public void ForgetAll()
    {
        lock (gate) carried.Clear();
    }

    /// <summary>Null when there is nothing to write.</summary>
    public byte[]? TakeDocument()
    {
        lock (gate)
        {
            var routes = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var (name, total) in observed.Values.SelectMany(table => table)) routes[name] = (long)total.TotalSeconds;
            if (routes.Count == 0 && isEmptyInEtcd) return null;
            isEmptyInEtcd = routes.Count == 0;
            return JsonSerializer.SerializeToUtf8Bytes(
                new AbsenceDocument(cluster.Value, time.GetUtcNow(), routes), AbsenceDocumentJson.Default.AbsenceDocument);
        }
    }

    /// <summary>An entry that was re-pointed is another node's route.</summary>
    private static string NameOf(RouteEntry entry) => $"{entry.RouteEntryId} {(entry.NextHops.Count > 0 ? entry.NextHops[0].Id : "-")}";

    private static AbsenceDocument? Parse(byte[]? document)
    {
        if (document is null) return null;
        try
        {
            return JsonSerializer.Deserialize(document, AbsenceDocumentJson.Default.AbsenceDocument);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <param name="Total">In this term and in earlier ones.</param>
internal sealed record AbsentLease(RouteEntry Entry, TimeSpan Total);

/// <param name="Routes">Seconds, by entry and next hop.</param>
internal sealed record AbsenceDocument(string? Cluster, DateTimeOffset WrittenAt, Dictionary<string, long>? Routes);

[JsonSerializable(typeof(AbsenceDocument))]
internal sealed partial class AbsenceDocumentJson : JsonSerializerContext;
