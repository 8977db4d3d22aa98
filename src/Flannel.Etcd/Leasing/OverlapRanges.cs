using Etcdserverpb;
using Flannel.Core.Addresses;
using Google.Protobuf;

namespace Flannel.Etcd.Leasing;

/// <summary>The ranges of keys in which every subnet lies that overlaps a given one, so that one transaction can compare the absence of
/// them all:
/// those with an address inside it, whatever their length and IPv6 part, and those longer networks around it.</summary>
public static class OverlapRanges
{
    // etcd's default limit is 128 operations a transaction, compares counted apart.
    private const int Most = 96;

    /// <param name="network">The cluster's network; a lease around it is nobody's.</param>
    /// <remarks>A subnet whose last byte or bytes are not whole (a /26, a /17) needs one range for each value of the byte; where that
    /// would be too many,
    /// only keys with its own base address are covered on the inner side.</remarks>
    public static IReadOnlyList<(ByteString Key, ByteString End)> Of(EtcdKeys keys, Ipv4Network subnet, Ipv4Network network)
    {
        var ranges = new List<(ByteString, ByteString)>();
        for (var length = subnet.Length - 1; length >= Math.Max(network.Length, 1); length--)
        {
            var around = new Ipv4Network(subnet.Address, length);
            // Its base address may be the subnet's own, which the inner ranges cover.
            if (around.Address == subnet.Address) continue;
            var key = $"{keys.Subnets}{around.Address}-{length}";
            // Itself and its dual-stack form "…&…", but not another length that begins with the same digit: ''' follows '&'.
            ranges.Add((ByteString.CopyFromUtf8(key), ByteString.CopyFromUtf8(key + "'")));
        }

        ranges.AddRange(Inside(keys, subnet, Most - ranges.Count));
        return ranges;
    }

    /// <summary>The compares themselves: nothing was ever created in any of the ranges, or is there no more.</summary>
    internal static IEnumerable<Compare> Absent(EtcdKeys keys, Ipv4Network subnet, Ipv4Network network) =>
        Of(keys, subnet, network).Select(range => Compares.Absent(range.Key, range.End));

    private static IEnumerable<(ByteString, ByteString)> Inside(EtcdKeys keys, Ipv4Network subnet, int most)
    {
        var wholeBytes = (subnet.Length + 7) / 8;
        var blocks = 1 << (wholeBytes * 8 - subnet.Length);
        if (wholeBytes == 0 || blocks > most) return [Starting($"{keys.Subnets}{subnet.Address}-")];
        var step = 1UL << (32 - wholeBytes * 8);
        return Enumerable.Range(0, blocks).Select(block =>
        {
            var address = new Ipv4Address((uint)(subnet.Address.Value + (ulong)block * step)).ToString().Split('.');
            return Starting(keys.Subnets + string.Join('.', address.Take(wholeBytes)) + (wholeBytes == 4 ? '-' : '.'));
        });
    }

    private static (ByteString, ByteString) Starting(string prefix) => (ByteString.CopyFromUtf8(prefix), EtcdKeys.EndOf(prefix));
}
