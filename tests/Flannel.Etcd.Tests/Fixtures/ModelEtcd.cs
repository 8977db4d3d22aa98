using System.Runtime.CompilerServices;
using Etcdserverpb;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>etcd as its documents describe it, in memory and on a time of the test's own: revisions, history, leases, transactions,
/// watches.</summary>
public sealed class ModelEtcd(TimeProvider time) : IEtcd
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, KeyValue> keys = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (long Begin, TimeSpan TimeToLive)> leases = [];
    private readonly List<Event> history = [];
    private long revision = 1;
    private long compacted;
    private int generation;
    private TaskCompletionSource changed = New();

    /// <summary>False: nothing gets through, and streams break.</summary>
    public bool Reachable
    {
        get;
        set
        {
            lock (gate)
            {
                field = value;
                if (!value) generation++;
                Wake();
            }
        }
    }
    = true;

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) => Run(() => Range(request), cancellation);

    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) => Run(() => Txn(request), cancellation);

    public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
        Run(
            () =>
            {
                if (!leases.TryAdd(leaseId, (time.GetTimestamp(), timeToLive))) throw new EtcdException(EtcdErrorKind.Other, "exists", false);
                return new LeaseGrantResponse { Header = Header(), ID = leaseId, TTL = (long)timeToLive.TotalSeconds };
            },
            cancellation);

    public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
        Run<TimeSpan?>(
            () =>
            {
                if (!leases.TryGetValue(leaseId, out var lease)) return null;
                leases[leaseId] = (time.GetTimestamp(), lease.TimeToLive);
                return lease.TimeToLive;
            },
            cancellation);

    public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) =>
        Run(
            () =>
            {
                End(leaseId);
                return 0;
            },
            cancellation);

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var next = ranges.Select(range => range.StartRevision).ToArray();
        var born = 0;
        for (var i = 0; i < ranges.Count; i++)
        {
            var created = await Run(() => new WatchResponse { Header = Header(), WatchId = i + 1, Created = true }, cancellation);
            born = generation;
            yield return created;
        }

        while (true)
        {
            Task wait;
            var answers = new List<WatchResponse>();
            lock (gate)
            {
                cancellation.ThrowIfCancellationRequested();
                Expire();
                if (generation != born) throw new EtcdException(EtcdErrorKind.Unavailable, "the stream broke", false);
                for (var i = 0; i < ranges.Count; i++)
                {
                    if (next[i] <= compacted) throw new EtcdException(EtcdErrorKind.Compacted, "compacted", false);
                    var events = history.Where(e => e.Kv.ModRevision >= next[i] && In(e.Kv.Key, ranges[i].Key, ranges[i].RangeEnd)).ToList();
                    if (events.Count > 0) answers.Add(new WatchResponse { Header = Header(), WatchId = i + 1, Events = { events } });
                    next[i] = revision + 1;
                }

                wait = changed.Task;
            }

            foreach (var answer in answers) yield return answer;
            if (answers.Count == 0) await wait.WaitAsync(cancellation);
        }
    }

    /// <summary>Forgets the history.</summary>
    public void Compact()
    {
        lock (gate)
        {
            compacted = revision;
            history.Clear();
        }
    }

    /// <summary>As a restore from a snapshot does: the store is as it was, and its streams break.</summary>
    public Action Snapshot()
    {
        lock (gate)
        {
            var then = (revision, Keys: keys.ToArray(), Leases: leases.ToArray());
            return () =>
            {
                lock (gate)
                {
                    (revision, generation) = (then.revision, generation + 1);
                    history.Clear();
                    keys.Clear();
                    leases.Clear();
                    foreach (var (key, pair) in then.Keys) keys[key] = pair;
                    foreach (var (id, lease) in then.Leases) leases[id] = (time.GetTimestamp(), lease.TimeToLive);
                    Wake();
                }
            };
        }
    }

    /// <summary>Ends what is due; leases of the real one end by themselves.</summary>
    public void Tick()
    {
        lock (gate) Expire();
    }

    private Task<T> Run<T>(Func<T> act, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
            if (!Reachable) return Task.FromException<T>(new EtcdException(EtcdErrorKind.Unavailable, "cut off", false));
            Expire();
            try
            {
                return Task.FromResult(act());
            }
            catch (EtcdException e)
            {
                return Task.FromException<T>(e);
            }
        }
    }

    private RangeResponse Range(RangeRequest request)
    {
        var found = keys.Where(pair => In(pair.Value.Key, request.Key, request.RangeEnd)).Select(pair => pair.Value).ToList();
        var limit = request.Limit == 0 ? int.MaxValue : (int)request.Limit;
        return new RangeResponse { Header = Header(), Kvs = { found.Take(limit) }, More = found.Count > limit, Count = found.Count };
    }

    private TxnResponse Txn(TxnRequest request)
    {
        var holds = request.Compare.All(Holds);
        var answer = new TxnResponse { Succeeded = holds };
        var writes = false;
        foreach (var op in holds ? request.Success : request.Failure)
        {
            if (op.RequestCase == RequestOp.RequestOneofCase.RequestPut && op.RequestPut.Lease != 0 && !leases.ContainsKey(op.RequestPut.Lease))
                throw new EtcdException(EtcdErrorKind.LeaseNotFound, "no such lease", false);
            writes |= op.RequestCase == RequestOp.RequestOneofCase.RequestPut
                || (op.RequestCase == RequestOp.RequestOneofCase.RequestDeleteRange && keys.ContainsKey(op.RequestDeleteRange.Key.ToStringUtf8()));
        }

        if (writes) revision++;
        foreach (var op in holds ? request.Success : request.Failure)
        {
            switch (op.RequestCase)
            {
                case RequestOp.RequestOneofCase.RequestPut:
                    Put(op.RequestPut);
                    answer.Responses.Add(new ResponseOp { ResponsePut = new PutResponse() });
                    break;
                case RequestOp.RequestOneofCase.RequestDeleteRange:
                    Delete(op.RequestDeleteRange.Key);
                    answer.Responses.Add(new ResponseOp { ResponseDeleteRange = new DeleteRangeResponse() });
                    break;
                default:
                    answer.Responses.Add(new ResponseOp { ResponseRange = Range(op.RequestRange) });
                    break;
            }
        }

        answer.Header = Header();
        if (writes) Wake();
        return answer;
    }

    private bool Holds(Compare compare)
    {
        var found = keys.Values.Where(pair => In(pair.Key, compare.Key, compare.RangeEnd)).DefaultIfEmpty(new KeyValue());
        return found.All(pair => compare.Target switch
        {
            Compare.Types.CompareTarget.Create => pair.CreateRevision == compare.CreateRevision,
            Compare.Types.CompareTarget.Mod => pair.ModRevision == compare.ModRevision,
            _ => throw new NotSupportedException(compare.ToString()),
        });
    }

    private void Put(PutRequest put)
    {
        var name = put.Key.ToStringUtf8();
        keys.TryGetValue(name, out var old);
        var pair = new KeyValue
        {
            Key = put.Key,
            Value = put.Value,
            Lease = put.IgnoreLease ? old!.Lease : put.Lease,
            CreateRevision = old?.CreateRevision ?? revision,
            ModRevision = revision,
            Version = (old?.Version ?? 0) + 1,
        };
        keys[name] = pair;
        history.Add(new Event { Type = Event.Types.EventType.Put, Kv = pair });
    }

    private void Delete(ByteString key)
    {
        if (!keys.Remove(key.ToStringUtf8())) return;
        history.Add(new Event { Type = Event.Types.EventType.Delete, Kv = new KeyValue { Key = key, ModRevision = revision } });
    }

    private void Expire()
    {
        foreach (var (id, lease) in leases.ToArray())
        {
            if (time.GetElapsedTime(lease.Begin) >= lease.TimeToLive) End(id);
        }
    }

    private void End(long leaseId)
    {
        if (!leases.Remove(leaseId)) return;
        var attached = keys.Values.Where(pair => pair.Lease == leaseId).Select(pair => pair.Key).ToList();
        if (attached.Count == 0) return;
        revision++;
        foreach (var key in attached) Delete(key);
        Wake();
    }

    private void Wake()
    {
        var waiting = changed;
        changed = New();
        waiting.SetResult();
    }

    private ResponseHeader Header() => new() { Revision = revision };

    private static bool In(ByteString key, ByteString from, ByteString end) =>
        end.IsEmpty ? key.Equals(from) : from.Span.SequenceCompareTo(key.Span) <= 0 && key.Span.SequenceCompareTo(end.Span) < 0;

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
