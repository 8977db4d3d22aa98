using Etcdserverpb;
using Google.Protobuf;

namespace Flannel.Etcd.Client;

/// <summary>The compares of transactions.</summary>
internal static class TxnCompare
{
    /// <param name="revision">0: the key is absent.</param>
    public static Compare CreateRevision(ByteString key, long revision) => new()
    {
        Key = key,
        Target = Compare.Types.CompareTarget.Create,
        Result = Compare.Types.CompareResult.Equal,
        CreateRevision = revision,
    };

    /// <param name="revision">0: the key is absent.</param>
    public static Compare ModRevision(ByteString key, long revision) => new()
    {
        Key = key,
        Target = Compare.Types.CompareTarget.Mod,
        Result = Compare.Types.CompareResult.Equal,
        ModRevision = revision,
    };

    /// <summary>The key exists and is attached to that etcd lease.</summary>
    public static Compare LeaseId(ByteString key, long etcdLeaseId) => new()
    {
        Key = key,
        Target = Compare.Types.CompareTarget.Lease,
        Result = Compare.Types.CompareResult.Equal,
        Lease = etcdLeaseId,
    };

    /// <summary>The key exists and has that value.</summary>
    public static Compare Value(ByteString key, ByteString value) => new()
    {
        Key = key,
        Target = Compare.Types.CompareTarget.Value,
        Result = Compare.Types.CompareResult.Equal,
        Value = value,
    };

    /// <summary>No key of the range exists.</summary>
    public static Compare Absent(ByteString key, ByteString end)
    {
        var compare = CreateRevision(key, 0);
        compare.RangeEnd = end;
        return compare;
    }
}
