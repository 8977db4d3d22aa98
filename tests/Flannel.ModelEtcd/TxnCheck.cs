using Etcdserverpb;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Mvccpb;
using static Etcdserverpb.Compare.Types;

namespace Flannel.Etcd.Model;

/// <summary>The transactions that etcd rejects, and the evaluation of compares (etcd's <c>server/etcdserver/apply.go</c>,
/// <c>api/v3rpc/key.go</c>).</summary>
internal static class TxnCheck
{
    public static void RejectDuplicates(TxnRequest request)
    {
        RejectDuplicates(request.Success);
        RejectDuplicates(request.Failure);
    }

    public static bool Holds(Compare compare, KeySpace keys)
    {
        var found = keys.In(compare.Key, compare.RangeEnd).ToList();
        // An absent key has no value, and zero for the other fields.
        if (found.Count == 0) return compare.Target != CompareTarget.Value && Holds(compare, new KeyValue());
        return found.TrueForAll(pair => Holds(compare, pair));
    }

    private static bool Holds(Compare compare, KeyValue pair)
    {
        var order = compare.Target switch
        {
            CompareTarget.Create => pair.CreateRevision.CompareTo(compare.CreateRevision),
            CompareTarget.Mod => pair.ModRevision.CompareTo(compare.ModRevision),
            CompareTarget.Version => pair.Version.CompareTo(compare.Version),
            CompareTarget.Lease => pair.Lease.CompareTo(compare.Lease),
            _ => pair.Value.Span.SequenceCompareTo(compare.Value.Span),
        };
        return compare.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.NotEqual => order != 0,
            CompareResult.Greater => order > 0,
            _ => order < 0,
        };
    }

    private static void RejectDuplicates(IEnumerable<RequestOp> branch)
    {
        var puts = new HashSet<ByteString>();
        foreach (var op in branch.Where(op => op.RequestCase == RequestOp.RequestOneofCase.RequestPut))
        {
            if (!puts.Add(op.RequestPut.Key)) throw Duplicate();
        }

        foreach (var op in branch.Where(op => op.RequestCase == RequestOp.RequestOneofCase.RequestDeleteRange))
        {
            var (from, end) = (op.RequestDeleteRange.Key, op.RequestDeleteRange.RangeEnd);
            // etcd's check treats a range without an end as an empty interval, and accepts it.
            if (end is not [0] && puts.Any(put => KeySpace.Contains(put, from, end))) throw Duplicate();
        }
    }

    private static EtcdException Duplicate() => new(EtcdErrorKind.Invalid, "etcdserver: duplicate key given in txn request", false);
}
