using Etcdserverpb;
using Google.Protobuf;
using static Etcdserverpb.Compare.Types;

namespace Flannel.Etcd.Client;

/// <summary>The compares of transactions.</summary>
internal static class TxnCompare
{
    /// <param name="revision">0: the key is absent.</param>
    public static Compare CreateRevision(ByteString key, long revision)
    {
        var compare = Equal(key, CompareTarget.Create);
        compare.CreateRevision = revision;
        return compare;
    }

    /// <param name="revision">0: the key is absent.</param>
    public static Compare ModRevision(ByteString key, long revision)
    {
        var compare = Equal(key, CompareTarget.Mod);
        compare.ModRevision = revision;
        return compare;
    }

    /// <summary>The key exists and is attached to that etcd lease.</summary>
    public static Compare LeaseId(ByteString key, long etcdLeaseId)
    {
        var compare = Equal(key, CompareTarget.Lease);
        compare.Lease = etcdLeaseId;
        return compare;
    }

    /// <summary>The key exists and has that value.</summary>
    public static Compare Value(ByteString key, ByteString value)
    {
        var compare = Equal(key, CompareTarget.Value);
        compare.Value = value;
        return compare;
    }

    /// <summary>No key of the range exists.</summary>
    public static Compare Absent(ByteString key, ByteString end)
    {
        var compare = CreateRevision(key, 0);
        compare.RangeEnd = end;
        return compare;
    }

    /// <summary>No key of the range was created after a revision. Writes of a key that exists, such as a renewal, do not count.</summary>
    public static Compare NotCreatedAfter(long revision, ByteString key, ByteString end) => new()
    {
        Key = key,
        RangeEnd = end,
        Target = CompareTarget.Create,
        Result = CompareResult.Less,
        CreateRevision = revision + 1,
    };

    private static Compare Equal(ByteString key, CompareTarget target) =>
        new() { Key = key, Target = target, Result = CompareResult.Equal };
}
