using System.Globalization;
using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Google.Protobuf;

namespace Flannel.Etcd.Registry;

/// <summary>A range of etcd keys, from <paramref name="Key"/> up to and without <paramref name="End"/>.</summary>
internal readonly record struct KeyRange(ByteString Key, ByteString End);

/// <summary>The ranges of etcd keys that contain every key whose subnet overlaps a given one, and no key of another subnet. One transaction
/// compares the absence of all of them.</summary>
/// <remarks>A key is <c>ADDRESS-LENGTH</c> or <c>ADDRESS-LENGTH&amp;IPV6</c>, and etcd sorts keys as text. The subnets inside the given one
/// have an address inside it. If the subnet's length divides an octet, the values of that octet are not one range: as text, 13 is between
/// 128 and 130. They are grouped into as few ranges as their order allows, at most 23. Each subnet around the given one needs one range.
/// The sum is below <see cref="EtcdLimits.MaxTxnOperations"/>.</remarks>
internal static class OverlapRanges
{
    private const int OctetBits = 8;
    private const int OctetValues = 1 << OctetBits;
    private const int Octets = 4;

    private static readonly int[] OctetsInTextOrder = [.. Enumerable.Range(0, OctetValues).OrderBy(Text, StringComparer.Ordinal)];

    public static IReadOnlyList<KeyRange> Of(EtcdKeys keys, Ipv4Network subnet)
    {
        var ranges = new List<KeyRange>();
        for (var length = subnet.Length - 1; length >= 0; length--)
        {
            var around = new Ipv4Network(subnet.Address, length);
            // An equal address is inside the subnet, whatever the length.
            if (around.Address == subnet.Address) continue;
            var key = $"{keys.Subnets}{around.Address}-{length}";
            // The key and its dual-stack forms "…&…", but not a longer length with the same first digit: ''' follows '&'.
            ranges.Add(new KeyRange(ByteString.CopyFromUtf8(key), ByteString.CopyFromUtf8(key + "'")));
        }

        ranges.AddRange(Inside(keys, subnet));
        return ranges;
    }

    public static IEnumerable<Compare> Absent(EtcdKeys keys, Ipv4Network subnet) =>
        Of(keys, subnet).Select(range => TxnCompare.Absent(range.Key, range.End));

    private static IEnumerable<KeyRange> Inside(EtcdKeys keys, Ipv4Network subnet)
    {
        // The last octet that the length reaches into. Those before it are equal in all addresses of the subnet.
        var last = Math.Max(subnet.Length - 1, 0) / OctetBits;
        var before = keys.Subnets + string.Concat(Enumerable.Range(0, last).Select(octet => Text(Octet(subnet.Address, octet)) + "."));
        var (from, to) = (Octet(subnet.Address, last), Octet(subnet.Last, last));
        var after = last == Octets - 1 ? "-" : ".";
        for (var i = 0; i < OctetValues; i++)
        {
            if (!IsInside(i)) continue;
            var first = i;
            while (i + 1 < OctetValues && IsInside(i + 1)) i++;
            yield return new KeyRange(
                ByteString.CopyFromUtf8(before + Text(OctetsInTextOrder[first]) + after),
                EtcdKeys.EndOf(before + Text(OctetsInTextOrder[i]) + after));
        }

        bool IsInside(int index) => OctetsInTextOrder[index] >= from && OctetsInTextOrder[index] <= to;
    }

    private static int Octet(Ipv4Address address, int index) =>
        (int)(address.Value >> ((Octets - 1 - index) * OctetBits)) & (OctetValues - 1);

    private static string Text(int octet) => octet.ToString(CultureInfo.InvariantCulture);
}
