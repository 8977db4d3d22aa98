using System.Text;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Follows all leases and the configuration: lists them once, then hears of every change; lists anew whenever the
/// stream broke.
/// One watch of one range, so that what it tells is in etcd's own order.</summary>
public sealed class LeaseWatcher
{
    private readonly IEtcd etcd;
    private readonly EtcdKeys keys;
    private readonly RegistryReader states;
    private readonly LeaseReader reader;
    private readonly EtcdRetryPolicy retryPolicy;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, ReadKey> found = new(StringComparer.Ordinal);
    private ConfigState config = new ConfigState.Missing();
    private long? viewRevision;
    private long generation;
    private long listings;
    private LeaseSnapshot? snapshot;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LeaseWatcher(IEtcd etcd, EtcdKeys keys, TimeProvider time, Random random, ILogger logger)
    {
        this.etcd = etcd;
        this.keys = keys;
        this.time = time;
        this.logger = logger;
        reader = new LeaseReader(keys, logger);
        states = new RegistryReader(etcd, keys, reader);
        retryPolicy = new EtcdRetryPolicy(time, random, logger);
    }

    /// <summary>Runs until it is cancelled; nothing that etcd answers ends it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        long? next = null;
        while (true)
        {
            next ??= await retryPolicy.UntilAnsweredAsync(ListAsync, evenRefused: true, cancellation) + 1;
            try
            {
                await foreach (var answer in etcd.WatchAsync([Range(keys, next.Value)], cancellation))
                {
                    // A store that was restored from a snapshot, or a member that lags behind: either way the list tells.
                    if (answer.Created && answer.Header.Revision < next - 1)
                        throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
                    if (answer.Events.Count == 0) continue;
                    Apply(answer.Events);
                    // A fragment may end in the middle of a revision.
                    next = answer.Events[^1].Kv.ModRevision + (answer.Fragment ? 0 : 1);
                }
            }
            catch (EtcdException e)
            {
                if (e.Kind == EtcdErrorKind.Compacted) EtcdLog.Relisting(logger, next.Value);
                // Listed anew whatever broke: while nobody watched, etcd may have been restored from a snapshot, and may have given out the
                // revisions since then a second time. Nothing in its answers tells that history from ours.
                next = null;
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    /// <summary>The newest view; waits for the first.</summary>
    public async ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (viewRevision is { } revision) return snapshot ??= Snapshot(revision);
                wait = changed.Task;
            }

            await TaskWait.WaitAsync(wait, Timeout.InfiniteTimeSpan, time, cancellation);
        }
    }

    /// <summary>Completes when the view is a later one than that of this generation.</summary>
    public async Task ChangedAfterAsync(long seen, CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (generation > seen) return;
                wait = changed.Task;
            }

            await TaskWait.WaitAsync(wait, Timeout.InfiniteTimeSpan, time, cancellation);
        }
    }

    /// <summary>From the configuration to the end of the leases: what this project writes elsewhere sorts before them.</summary>
    internal static WatchCreateRequest Range(EtcdKeys keys, long fromRevision) =>
        new() { Key = keys.Config, RangeEnd = EtcdKeys.EndOf(keys.Subnets), StartRevision = fromRevision };

    private async Task<long> ListAsync(CancellationToken cancellation)
    {
        var answer = await states.AskAsync(cancellation);
        var listed = new List<(string, ReadKey)>();
        var newConfig = await states.TakeAsync(answer, pair => listed.Add((Text(pair.Key), reader.Read(pair))), cancellation);
        lock (gate)
        {
            found.Clear();
            foreach (var (key, read) in listed) found[key] = read;
            config = newConfig;
            listings++;
            Changed(answer.Header.Revision);
        }

        return answer.Header.Revision;
    }

    private void Apply(IList<Event> events)
    {
        lock (gate)
        {
            var relevant = false;
            foreach (var change in events)
            {
                var deleted = change.Type == Event.Types.EventType.Delete;
                if (change.Kv.Key.Equals(keys.Config))
                {
                    config = LeaseReader.ReadConfig(deleted ? null : change.Kv);
                    relevant = true;
                    continue;
                }

                var key = Text(change.Kv.Key);
                if (!key.StartsWith(keys.Subnets, StringComparison.Ordinal)) continue;
                if (deleted) found.Remove(key);
                else found[key] = reader.Read(change.Kv);
                relevant = true;
            }

            if (relevant) Changed(events[^1].Kv.ModRevision);
        }
    }

    private void Changed(long revision)
    {
        viewRevision = revision;
        generation++;
        snapshot = null;
        var waiting = changed;
        changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting.SetResult();
    }

    /// <summary>Built when it is asked for: a thousand changes at once cost one list, not a thousand.</summary>
    private LeaseSnapshot Snapshot(long revision)
    {
        var leases = new List<Flannel.Core.Leases.Lease>(found.Count);
        var whole = true;
        foreach (var key in found.Values)
        {
            if (key.Lease is { } lease) leases.Add(lease);
            whole &= !key.IsUnreadable;
        }

        return new LeaseSnapshot((config as ConfigState.Present)?.Config, leases, revision, whole)
        {
            Generation = generation,
            Listing = listings,
        };
    }

    private static string Text(ByteString key) => Encoding.UTF8.GetString(key.Span);
}
