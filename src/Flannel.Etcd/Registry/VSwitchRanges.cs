using Flannel.Core.Addresses;
using Google.Protobuf;

namespace Flannel.Etcd.Registry;

/// <summary>The value at <c>{prefix}/ali-vpc/vswitches/{VPC id}</c>: the ranges of the VPC's vSwitches as text, separated by spaces. A
/// subnet that overlaps one of them is not leased.</summary>
internal static class VSwitchRanges
{
    public static ByteString ToValue(IEnumerable<Ipv4Network> ranges) =>
        ByteString.CopyFromUtf8(string.Join(' ', ranges.Distinct().Order()));

    /// <summary>Skips what is not a range.</summary>
    public static IEnumerable<Ipv4Network> Parse(ByteString value)
    {
        foreach (var part in value.ToStringUtf8().Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Ipv4Network.TryParse(part, out var range)) yield return range;
        }
    }
}
