using Flannel.Core.Addresses;
using Google.Protobuf;

namespace Flannel.Etcd.Registry;

/// <summary>The ranges of one VPC's vSwitches, as the route controller publishes them: no subnet that overlaps one is leased. The
/// value is the ranges as text, separated by blanks.</summary>
internal static class VSwitchRanges
{
    public static ByteString ToValue(IEnumerable<Ipv4Network> ranges) =>
        ByteString.CopyFromUtf8(string.Join(' ', ranges.Distinct().Order()));

    /// <summary>Total: what is no range is left out.</summary>
    public static IEnumerable<Ipv4Network> Parse(ByteString value)
    {
        foreach (var part in value.ToStringUtf8().Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Ipv4Network.TryParse(part, out var range)) yield return range;
        }
    }
}
