using Etcdserverpb;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Model;

/// <summary>The state of one etcd cluster: keys, their history, and leases in the time of the test. Not thread-safe: each call is one
/// applied request. Tests compare it with a real etcd on the same random operations.</summary>
public sealed class EtcdStore(TimeProvider time)
{
    private readonly Dictionary<long, ModelLease> leases = [];
    private KeySpace keys = new();
    private List<Change> history = [];

    /// <summary>A key was written, or the streams broke: watchers must read again.</summary>
    public event Action? Changed;

    public long Revision { get; private set; } = 1;

    public long CompactedAt { get; private set; }

    /// <summary>Changes when the streams break.</summary>
    public int Generation { get; private set; }

    /// <summary>The alarm that etcd raises when its database is full.</summary>
    public bool NoSpace { get; set; }

    public IReadOnlyList<KeyValue> Pairs => keys.All;

    public KeyValue? Find(ByteString key) => keys.Find(key);

    public IReadOnlyDictionary<long, ModelLease> Leases => leases;

    public RangeResponse Range(RangeRequest request)
    {
        if (request.Revision > Revision) throw Rejected(EtcdErrorKind.Compacted, "required revision is a future revision");
        if (request.Revision > 0 && request.Revision < CompactedAt)
            throw Rejected(EtcdErrorKind.Compacted, "required revision has been compacted");
        var response = (request.Revision is 0 || request.Revision == Revision ? keys : At(request.Revision)).Range(request);
        response.Header = Header();
        return response;
    }

    public TxnResponse Txn(TxnRequest request)
    {
        TxnCheck.RejectDuplicates(request);
        if (NoSpace && request.Success.Concat(request.Failure).Any(op => op.RequestCase == RequestOp.RequestOneofCase.RequestPut))
            throw Rejected(EtcdErrorKind.NoSpace, "database space exceeded");
        var holds = request.Compare.All(compare => TxnCheck.Holds(compare, keys));
        var branch = holds ? request.Success : request.Failure;
        foreach (var op in branch) CheckPut(op);
        var pending = new PendingRevision(Revision + 1);
        var response = new TxnResponse { Succeeded = holds };
        foreach (var op in branch) response.Responses.Add(Apply(op, pending));
        Commit(pending);
        response.Header = Header();
        return response;
    }

    public LeaseGrantResponse Grant(long id, TimeSpan timeToLive)
    {
        if (NoSpace) throw Rejected(EtcdErrorKind.NoSpace, "database space exceeded");
        if (!leases.TryAdd(id, Begin(timeToLive))) throw Rejected(EtcdErrorKind.Other, "lease already exists");
        return new LeaseGrantResponse { Header = Header(), ID = id, TTL = (long)timeToLive.TotalSeconds };
    }

    /// <returns>Null if the lease does not exist.</returns>
    public TimeSpan? KeepAlive(long id)
    {
        if (!leases.TryGetValue(id, out var lease)) return null;
        leases[id] = Begin(lease.TimeToLive);
        return lease.TimeToLive;
    }

    /// <returns>False if the lease does not exist.</returns>
    public bool Revoke(long id)
    {
        if (!leases.Remove(id)) return false;
        var pending = new PendingRevision(Revision + 1);
        foreach (var pair in keys.All.Where(pair => pair.Lease == id).ToList()) Delete(pair, pending);
        Commit(pending);
        return true;
    }

    /// <summary>Expires the leases that are due, each in a revision of its own.</summary>
    /// <returns>Their ids.</returns>
    public IReadOnlyList<long> Tick()
    {
        List<long> due = [.. leases.Where(lease => IsDue(lease.Value)).Select(lease => lease.Key).Order()];
        foreach (var id in due) Revoke(id);
        return due;
    }

    public void Compact(long revision)
    {
        if (revision > Revision) throw Rejected(EtcdErrorKind.Compacted, "required revision is a future revision");
        if (revision <= CompactedAt) throw Rejected(EtcdErrorKind.Compacted, "required revision has been compacted");
        CompactedAt = revision;
        // etcd before 3.5.15 drops a deletion at the compacted revision, too.
        history.RemoveAll(change => change.Revision < revision || (change.Revision == revision && change.After is null));
    }

    public bool IsDue(long id) => leases.TryGetValue(id, out var lease) && IsDue(lease);

    public WatchCursor Watch(IReadOnlyList<WatchCreateRequest> ranges) => new(this, ranges);

    /// <summary>Breaks the streams; a new leader starts the time of every lease again.</summary>
    public void Restart()
    {
        foreach (var (id, lease) in leases.ToList()) leases[id] = Begin(lease.TimeToLive);
        Generation++;
        Changed?.Invoke();
    }

    public StoreSnapshot Snapshot() => new(Revision, CompactedAt, keys.Copy(), [.. history], leases.ToDictionary());

    /// <summary>Restores a snapshot, with its revision, and restarts.</summary>
    public void Restore(StoreSnapshot snapshot)
    {
        (Revision, CompactedAt, keys, history) =
            (snapshot.Revision, snapshot.CompactedAt, snapshot.Keys.Copy(), [.. snapshot.History]);
        leases.Clear();
        foreach (var (id, lease) in snapshot.Leases) leases[id] = lease;
        Restart();
    }

    internal IEnumerable<Change> Since(long revision)
    {
        var first = history.Count;
        while (first > 0 && history[first - 1].Revision >= revision) first--;
        for (var i = first; i < history.Count; i++) yield return history[i];
    }

    internal ResponseHeader Header() => new() { Revision = Revision };

    private static EtcdException Rejected(EtcdErrorKind kind, string text) => new(kind, "etcdserver: " + text, mayHaveHappened: false);

    private ModelLease Begin(TimeSpan timeToLive) => new(time.GetTimestamp(), timeToLive);

    private bool IsDue(ModelLease lease) => time.GetElapsedTime(lease.Begin) >= lease.TimeToLive;

    private KeySpace At(long revision)
    {
        var then = keys.Copy();
        for (var i = history.Count - 1; i >= 0 && history[i].Revision > revision; i--)
        {
            if (history[i].Before is { } before) then.Set(before);
            else then.Remove(history[i].Key);
        }

        return then;
    }

    private void CheckPut(RequestOp op)
    {
        if (op.RequestCase != RequestOp.RequestOneofCase.RequestPut) return;
        var put = op.RequestPut;
        if (put.IgnoreLease && keys.Find(put.Key) is null) throw Rejected(EtcdErrorKind.Invalid, "key not found");
        if (put.Lease != 0 && !leases.ContainsKey(put.Lease)) throw Rejected(EtcdErrorKind.LeaseNotFound, "requested lease not found");
    }

    private ResponseOp Apply(RequestOp op, PendingRevision pending)
    {
        switch (op.RequestCase)
        {
            case RequestOp.RequestOneofCase.RequestPut:
                return new ResponseOp { ResponsePut = Put(op.RequestPut, pending) };
            case RequestOp.RequestOneofCase.RequestDeleteRange:
                var found = keys.In(op.RequestDeleteRange.Key, op.RequestDeleteRange.RangeEnd).ToList();
                foreach (var pair in found) Delete(pair, pending);
                var deleted = new DeleteRangeResponse { Deleted = found.Count };
                return new ResponseOp { ResponseDeleteRange = deleted };
            case RequestOp.RequestOneofCase.RequestRange:
                return new ResponseOp { ResponseRange = keys.Range(op.RequestRange) };
            default:
                throw new NotSupportedException(op.ToString());
        }
    }

    private PutResponse Put(PutRequest put, PendingRevision pending)
    {
        var old = keys.Find(put.Key);
        var pair = new KeyValue
        {
            Key = put.Key,
            Value = put.Value,
            Lease = put.IgnoreLease ? old!.Lease : put.Lease,
            CreateRevision = old?.CreateRevision ?? pending.Revision,
            ModRevision = pending.Revision,
            Version = (old?.Version ?? 0) + 1,
        };
        keys.Set(pair);
        pending.Changes.Add(new Change(pending.Revision, put.Key, old, pair));
        return new PutResponse();
    }

    private void Delete(KeyValue pair, PendingRevision pending)
    {
        keys.Remove(pair.Key);
        pending.Changes.Add(new Change(pending.Revision, pair.Key, pair, null));
    }

    private void Commit(PendingRevision pending)
    {
        if (pending.Changes.Count == 0) return;
        Revision = pending.Revision;
        history.AddRange(pending.Changes);
        Changed?.Invoke();
    }

    private sealed record PendingRevision(long Revision)
    {
        public List<Change> Changes { get; } = [];
    }
}

/// <param name="Begin">A timestamp of the store's time.</param>
public readonly record struct ModelLease(long Begin, TimeSpan TimeToLive);

/// <summary>One key's change in one revision; a deletion has no After.</summary>
public sealed record Change(long Revision, ByteString Key, KeyValue? Before, KeyValue? After)
{
    public Event ToEvent() => After is { } put
        ? new Event { Type = Event.Types.EventType.Put, Kv = put }
        : new Event { Type = Event.Types.EventType.Delete, Kv = new KeyValue { Key = Key, ModRevision = Revision } };
}

public sealed record StoreSnapshot(
    long Revision, long CompactedAt, KeySpace Keys, IReadOnlyList<Change> History, IReadOnlyDictionary<long, ModelLease> Leases);
