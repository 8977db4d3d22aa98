using System.Text;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Watches all leases and the configuration: lists them once, then applies every event; lists them again after each broken stream.
/// One watch of one range, so that the events come in etcd's own order. Thread-safe.</summary>
public sealed class LeaseWatcher(EtcdContext context)
{
    private readonly EtcdKeys keys = context.Keys;
    private readonly RegistryReader registryReader = new(context);
    private readonly LeaseReader leaseReader = new(context.Keys, context.Logger);
    private readonly ListWatch watch = new(context);

    private readonly Lock gate = new();
    private readonly ObservableValue<long> generation = new(0);
    private readonly SortedDictionary<string, ReadKey> found = new(StringComparer.Ordinal);
    private ConfigState config = new ConfigState.Missing();
    private long? listedRevision;
    private long listings;
    private LeaseSnapshot? snapshot;

    /// <summary>Runs until it is cancelled. No failure of etcd ends it.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        watch.RunAsync(ListAsync, revision => Range(keys, revision), Apply, cancellation);

    /// <summary>Runs while the snapshots are read, and returns each newest one.</summary>
    public IAsyncEnumerable<LeaseSnapshot> WatchAsync(CancellationToken cancellation)
    {
        long seen = 0;
        return SnapshotStream.FollowAsync(RunAsync, NextAsync, cancellation);

        async Task<LeaseSnapshot> NextAsync(CancellationToken stop)
        {
            await ChangedAfterAsync(seen, stop);
            var newest = await CurrentAsync(stop);
            seen = newest.Generation;
            return newest;
        }
    }

    /// <summary>The newest snapshot; waits for the first.</summary>
    public async ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (listedRevision is { } revision) return snapshot ??= BuildSnapshot(revision);
                wait = generation.Changed;
            }

            await TaskWait.WaitAsync(wait, Timeout.InfiniteTimeSpan, context.Time, cancellation);
        }
    }

    /// <summary>Returns when there is a later snapshot than that of this <see cref="LeaseSnapshot.Generation"/>.</summary>
    public async Task ChangedAfterAsync(long seenGeneration, CancellationToken cancellation)
    {
        while (true)
        {
            var wait = generation.Changed;
            if (generation.Current > seenGeneration) return;
            await TaskWait.WaitAsync(wait, Timeout.InfiniteTimeSpan, context.Time, cancellation);
        }
    }

    /// <summary>From the configuration to the end of the leases. The keys of this project's own (<c>ali-vpc/…</c>) sort before
    /// them.</summary>
    internal static WatchCreateRequest Range(EtcdKeys keys, long fromRevision) =>
        new() { Key = keys.Config, RangeEnd = EtcdKeys.EndOf(keys.Subnets), StartRevision = fromRevision };

    private async Task<long> ListAsync(CancellationToken cancellation)
    {
        var response = await registryReader.RequestAsync(cancellation);
        var listed = new Dictionary<string, ReadKey>(StringComparer.Ordinal);
        var newConfig = await registryReader.ForEachLeaseAsync(
            response, pair => listed[Text(pair.Key)] = leaseReader.Read(pair), cancellation);
        lock (gate)
        {
            found.Clear();
            foreach (var (key, read) in listed) found[key] = read;
            config = newConfig;
            listings++;
            SetChanged(response.Header.Revision);
        }

        return response.Header.Revision;
    }

    private void Apply(IList<Event> events)
    {
        lock (gate)
        {
            var isRelevant = false;
            foreach (var change in events)
            {
                var isDeleted = change.Type == Event.Types.EventType.Delete;
                if (change.Kv.Key.Equals(keys.Config))
                {
                    config = LeaseReader.ReadConfig(isDeleted ? null : change.Kv);
                    isRelevant = true;
                    continue;
                }

                var key = Text(change.Kv.Key);
                if (!key.StartsWith(keys.Subnets, StringComparison.Ordinal)) continue;
                if (isDeleted) found.Remove(key);
                else found[key] = leaseReader.Read(change.Kv);
                isRelevant = true;
            }

            if (isRelevant) SetChanged(events[^1].Kv.ModRevision);
        }
    }

    private void SetChanged(long revision)
    {
        listedRevision = revision;
        snapshot = null;
        generation.Set(generation.Current + 1);
    }

    /// <summary>Built on demand: a thousand changes at once cost one list, not a thousand.</summary>
    private LeaseSnapshot BuildSnapshot(long revision)
    {
        var leases = new List<Flannel.Core.Leases.Lease>(found.Count);
        var isComplete = true;
        foreach (var key in found.Values)
        {
            if (key.Lease is { } lease) leases.Add(lease);
            isComplete &= !key.IsUnreadable;
        }

        return new LeaseSnapshot((config as ConfigState.Present)?.Config, leases, revision, isComplete)
        {
            Generation = generation.Current,
            Listing = listings,
        };
    }

    private static string Text(ByteString key) => Encoding.UTF8.GetString(key.Span);
}
