using Etcdserverpb;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Model;

/// <summary>Keys and their values in the order of their bytes.</summary>
public sealed class KeySpace
{
    private readonly List<KeyValue> pairs = [];

    public IReadOnlyList<KeyValue> All => pairs;

    public RangeResponse Range(RangeRequest request)
    {
        var found = In(request.Key, request.RangeEnd).ToList();
        var response = new RangeResponse { Count = found.Count };
        if (request.CountOnly) return response;
        var limit = request.Limit == 0 ? int.MaxValue : (int)request.Limit;
        response.More = found.Count > limit;
        foreach (var pair in found.Take(limit))
        {
            var copy = pair;
            if (request.KeysOnly)
            {
                copy = pair.Clone();
                copy.Value = ByteString.Empty;
            }

            response.Kvs.Add(copy);
        }

        return response;
    }

    public KeyValue? Find(ByteString key) => Index(key) is var i and >= 0 ? pairs[i] : null;

    /// <param name="end">Empty for one key; a single zero byte for all keys from this one.</param>
    public IEnumerable<KeyValue> In(ByteString key, ByteString end)
    {
        var i = Index(key);
        if (end.IsEmpty)
        {
            if (i >= 0) yield return pairs[i];
            yield break;
        }

        for (i = i < 0 ? ~i : i; i < pairs.Count && Contains(pairs[i].Key, key, end); i++) yield return pairs[i];
    }

    public void Set(KeyValue pair)
    {
        var i = Index(pair.Key);
        if (i >= 0) pairs[i] = pair;
        else pairs.Insert(~i, pair);
    }

    public void Remove(ByteString key)
    {
        var i = Index(key);
        if (i >= 0) pairs.RemoveAt(i);
    }

    public KeySpace Copy()
    {
        var copy = new KeySpace();
        copy.pairs.AddRange(pairs);
        return copy;
    }

    internal static bool Contains(ByteString key, ByteString from, ByteString end) =>
        end.IsEmpty ? key.Equals(from)
        : from.Span.SequenceCompareTo(key.Span) <= 0 && (end is [0] || key.Span.SequenceCompareTo(end.Span) < 0);

    private int Index(ByteString key)
    {
        var (low, high) = (0, pairs.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = pairs[middle].Key.Span.SequenceCompareTo(key.Span);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }
}
