using Etcdserverpb;
using Google.Protobuf;
using static Etcdserverpb.Compare.Types;

namespace Flannel.Simulation.Tests.Model;

/// <summary>Random requests for few keys and few etcd leases, so that most of them find existing ones.</summary>
internal sealed class RandomRequests(Random random, string prefix, long firstLease)
{
    private const int Keys = 6;
    private const int Leases = 4;

    public long Lease() => firstLease + random.Next(Leases);

    public ByteString Key() => ByteString.CopyFromUtf8($"{prefix}{(char)('a' + random.Next(Keys))}");

    /// <param name="End">Empty for a single key; a zero byte for all keys from <paramref name="Key"/> on.</param>
    public sealed record KeyRange(ByteString Key, ByteString End);

    public KeyRange Range()
    {
        var key = Key();
        return random.Next(4) switch
        {
            0 => new(key, ByteString.Empty),
            1 => new(key, Key()),
            2 => new(ByteString.CopyFromUtf8(prefix), ByteString.CopyFromUtf8(prefix + "\x7f")),
            _ => new(key, ByteString.CopyFromUtf8("\0")),
        };
    }

    public RangeRequest RangeAt(long revision, long compacted)
    {
        var (key, end) = Range();
        var request = new RangeRequest
        {
            Key = key,
            RangeEnd = end,
            Limit = random.Next(4),
            KeysOnly = random.Next(4) == 0,
            CountOnly = random.Next(6) == 0,
        };
        if (random.Next(2) == 0) request.Revision = random.NextInt64(Math.Max(1, compacted - 3), revision + 3);
        return request;
    }

    public TxnRequest Txn(long revision)
    {
        var request = new TxnRequest();
        for (var i = random.Next(4); i > 0; i--) request.Compare.Add(Compare(revision));
        for (var i = random.Next(4); i > 0; i--) request.Success.Add(Op());
        for (var i = random.Next(3); i > 0; i--) request.Failure.Add(Op());
        return request;
    }

    private Compare Compare(long revision)
    {
        var (key, end) = Range();
        var compare = new Compare
        {
            Key = key,
            RangeEnd = random.Next(2) == 0 ? end : ByteString.Empty,
            Target = (CompareTarget)random.Next(5),
            Result = (CompareResult)random.Next(4),
        };
        var number = random.Next(2) == 0 ? 0 : Math.Max(0, revision - random.Next(12));
        switch (compare.Target)
        {
            case CompareTarget.Version: compare.Version = random.Next(4); break;
            case CompareTarget.Create: compare.CreateRevision = number; break;
            case CompareTarget.Mod: compare.ModRevision = number; break;
            case CompareTarget.Value: compare.Value = Value(); break;
            default: compare.Lease = random.Next(2) == 0 ? 0 : Lease(); break;
        }

        return compare;
    }

    private RequestOp Op()
    {
        var (key, end) = Range();
        switch (random.Next(5))
        {
            case 0 or 1:
                var put = new PutRequest { Key = Key(), Value = Value() };
                if (random.Next(4) == 0) put.IgnoreLease = true;
                else put.Lease = random.Next(2) == 0 ? 0 : Lease();
                return new RequestOp { RequestPut = put };
            case 2:
                return new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key, RangeEnd = end } };
            default:
                return new RequestOp { RequestRange = new RangeRequest { Key = key, RangeEnd = end, Limit = random.Next(3) } };
        }
    }

    private ByteString Value() => ByteString.CopyFromUtf8(((char)('p' + random.Next(3))).ToString());
}
