using Flannel.AliVpc.Api;
using Flannel.Core.Addresses;

namespace Flannel.AliVpc.Control;

/// <summary>What the API thinks of a destination that meets the VPC's own ranges. Its rules (CreateRouteEntry and CreateRouteEntries,
/// version 2016-04-28): a destination may not equal a vSwitch's range or lie inside it; it may contain one, but not in a batch; it may not
/// be 100.64.0.0/10. A range of the VPC that no vSwitch uses is no obstacle, only unwise.</summary>
public sealed class OverlapCheck(VpcFacts vpc, IReadOnlyList<VSwitchFacts> vSwitches)
{
    /// <summary>The cloud's own services: DNS, the metadata service, mirrors.</summary>
    private static readonly Ipv4Network Services = Ipv4Network.Parse("100.64.0.0/10");

    private readonly List<(string Id, Ipv4Network Range)> ranges = [.. Parsed(vSwitches.Select(v => (v.VSwitchId, v.CidrBlock)))];

    /// <summary>Why the API would refuse the destination; null when it would not.</summary>
    public string? RefusalOf(Ipv4Network destination)
    {
        if (destination == Services) return $"{destination} belongs to the cloud's own services";
        foreach (var (id, range) in ranges)
        {
            if (range.Contains(destination)) return $"{destination} lies inside {range} of vSwitch {id}: choose a network that overlaps no vSwitch";
        }

        return null;
    }

    /// <summary>False for a destination that only the single call accepts.</summary>
    public bool FitsBatch(Ipv4Network destination) => !ranges.Any(v => v.Range.Overlaps(destination));

    /// <summary>One line for each range that the whole network overlaps; empty when all is well.</summary>
    public IReadOnlyList<string> Warnings(Ipv4Network network)
    {
        var lines = new List<string>();
        if (network.Overlaps(Services)) lines.Add($"network {network} overlaps {Services}, the range of the cloud's own services");
        lines.AddRange(ranges.Where(v => v.Range.Overlaps(network)).Select(v => $"network {network} overlaps {v.Range} of vSwitch {v.Id}"));
        (string, string)[] blocks =
        [
            ("the VPC's range", vpc.CidrBlock),
            .. vpc.SecondaryCidrBlocks.Select(block => ("the VPC's secondary range", block)),
            .. vpc.UserCidrs.Select(block => ("the VPC's user range", block)),
        ];
        lines.AddRange(Parsed(blocks).Where(b => b.Range.Overlaps(network)).Select(b => $"network {network} overlaps {b.Range}, {b.Id}"));
        return lines;
    }

    private static IEnumerable<(string Id, Ipv4Network Range)> Parsed(IEnumerable<(string Id, string Block)> blocks)
    {
        foreach (var (id, block) in blocks)
        {
            if (Ipv4Network.TryParse(block, out var range)) yield return (id, range);
        }
    }
}
