using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Observation;

/// <summary>The entries of one route table: those of the last complete read, and in their place those of the destinations that were read
/// later. All times are timestamps.</summary>
internal sealed class TableEntries(string id)
{
    // When single destinations were received, after the last complete read.
    private readonly Dictionary<IpNetwork, long> receivedAt = [];
    private readonly Dictionary<IpNetwork, ExpectedEntry> due = [];
    private long validAt;

    public string Id => id;

    /// <summary>Null while the table has not been read.</summary>
    public IReadOnlyList<RouteEntry>? Entries { get; private set; }

    /// <summary>The whole table is read by the next pass.</summary>
    public bool IsStale { get; private set; } = true;

    /// <summary>The whole table is read in the background.</summary>
    public bool IsRefreshDue { get; private set; }

    /// <summary>When the last complete read was received.</summary>
    public long CompletelyReadAt { get; private set; }

    /// <summary>The destinations that the next pass reads.</summary>
    public IReadOnlyCollection<IpNetwork> Due => due.Keys;

    public void Invalidate() => IsStale = true;

    public void Invalidate(IpNetwork destination, ExpectedEntry expected) => due[destination] = expected;

    public void Refresh() => IsRefreshDue = true;

    /// <summary>When the entry at a destination, or its absence, was received; for a read in the background, when that began.</summary>
    public long ReceivedAt(IpNetwork destination) => Math.Max(validAt, receivedAt.GetValueOrDefault(destination, long.MinValue));

    public bool IsDue(IpNetwork destination) => IsStale || due.ContainsKey(destination);

    /// <summary>Stores all entries, which nothing was read or written beside.</summary>
    public void Store(IReadOnlyList<RouteEntry> entries, long now)
    {
        (Entries, IsStale, IsRefreshDue, CompletelyReadAt, validAt) = (entries, false, false, now, now);
        receivedAt.Clear();
        due.Clear();
    }

    /// <summary>Stores all entries from a read in the background. Destinations that were read since it began remain.</summary>
    public void StoreInBackground(IReadOnlyList<RouteEntry> entries, long began, long now)
    {
        IsRefreshDue = false;
        // A later read is better.
        if (IsStale || CompletelyReadAt >= began) return;
        foreach (var older in receivedAt.Where(pair => pair.Value < began).Select(pair => pair.Key).ToList()) receivedAt.Remove(older);
        Entries = receivedAt.Count == 0
            ? entries
            : [.. entries.Where(entry => !IsOf(entry, receivedAt)), .. Entries!.Where(entry => IsOf(entry, receivedAt))];
        (CompletelyReadAt, validAt) = (now, began);
    }

    /// <summary>Stores what a read of some destinations found. A destination without the expected entry makes the table stale.</summary>
    public void Store(IReadOnlyList<IpNetwork> destinations, IReadOnlyList<RouteEntry> found, long now)
    {
        var read = destinations.ToHashSet();
        var present = found.Select(entry => entry.Destination!.Value).ToHashSet();
        var before = Entries!.Where(entry => entry.Destination is { } destination && read.Contains(destination))
            .ToLookup(entry => entry.Destination!.Value);
        foreach (var destination in destinations)
        {
            var expected = due.GetValueOrDefault(destination);
            var isExpected = expected == ExpectedEntry.Present
                || expected == ExpectedEntry.AsBefore && before[destination].Any(entry => entry.Status != RouteEntryStatus.Deleting);
            due.Remove(destination);
            if (isExpected && !present.Contains(destination))
            {
                IsStale = true;
                read.Remove(destination);
            }
            else receivedAt[destination] = now;
        }

        Entries =
        [
            .. Entries!.Where(entry => entry.Destination is not { } destination || !read.Contains(destination)), .. found,
        ];
    }

    private static bool IsOf(RouteEntry entry, Dictionary<IpNetwork, long> destinations) =>
        entry.Destination is { } destination && destinations.ContainsKey(destination);
}
