using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>What the API thinks of a destination that meets the VPC's own ranges. Its rules (CreateRouteEntry and CreateRouteEntries,
/// version 2016-04-28): a destination may not equal a vSwitch's range or lie inside it; it may contain one, but not in a batch; it may not
/// be 100.64.0.0/10, and in a batch it may not lie inside that either. A range of the VPC that no vSwitch uses is no obstacle, only
/// unwise.</summary>
public sealed class CidrConflictCheck(VpcAttributes vpc, IReadOnlyList<VSwitchAttributes> vSwitches)
{
    /// <summary>The cloud's own services: DNS, the metadata service, mirrors.</summary>
    private static readonly Ipv4Network Services = Ipv4Network.Parse("100.64.0.0/10");

    private readonly List<Block> ranges = [.. vSwitches.SelectMany(v => Parsed(v.VSwitchId, v.CidrBlock))];

    /// <param name="Owner">For people.</param>
    private sealed record Block(string Owner, Ipv4Network Range);

    /// <summary>The ranges of the vSwitches.</summary>
    public IReadOnlyList<Ipv4Network> VSwitches => [.. ranges.Select(v => v.Range)];

    /// <summary>Why the API would refuse the destination; null when it would not.</summary>
    public string? RefusalOf(Ipv4Network destination)
    {
        if (IsServices(destination)) return $"{destination} belongs to the cloud's own services";
        foreach (var (id, range) in ranges)
        {
            if (range.Contains(destination)) return $"{destination} lies inside {range} of vSwitch {id}: choose a network that overlaps no vSwitch";
        }

        return null;
    }

    /// <summary>False for a destination that only the single call accepts.</summary>
    public bool FitsBatch(Ipv4Network destination) => !IsInServices(destination) && !ranges.Any(v => v.Range.Overlaps(destination));

    /// <summary>Whether it is the range of the cloud's own services: no route may lead there.</summary>
    public static bool IsServices(Ipv4Network destination) => destination == Services;

    /// <summary>Whether it lies inside the range of the cloud's own services: CreateRouteEntry takes it, CreateRouteEntries does
    /// not.</summary>
    public static bool IsInServices(Ipv4Network destination) => Services.Contains(destination);

    /// <summary>Whether the network overlaps a vSwitch: its subnets that do are never leased.</summary>
    public bool OverlapsVSwitch(Ipv4Network network) => ranges.Any(v => v.Range.Overlaps(network));

    /// <summary>One line for each range that the whole network overlaps; empty when all is well.</summary>
    public IReadOnlyList<string> Warnings(Ipv4Network network)
    {
        var lines = new List<string>();
        if (network.Overlaps(Services)) lines.Add($"network {network} overlaps {Services}, the range of the cloud's own services");
        lines.AddRange(ranges.Where(v => v.Range.Overlaps(network)).Select(v => $"network {network} overlaps {v.Range} of vSwitch {v.Owner}"));
        IEnumerable<Block> blocks =
        [
            .. Parsed("the VPC's range", vpc.CidrBlock),
            .. vpc.SecondaryCidrBlocks.SelectMany(block => Parsed("the VPC's secondary range", block)),
            .. vpc.UserCidrs.SelectMany(block => Parsed("the VPC's user range", block)),
        ];
        lines.AddRange(blocks.Where(b => b.Range.Overlaps(network)).Select(b => $"network {network} overlaps {b.Range}, {b.Owner}"));
        return lines;
    }

    /// <summary>Nothing for what is no IPv4 range.</summary>
    private static Block[] Parsed(string owner, string text) => Ipv4Network.TryParse(text, out var range) ? [new Block(owner, range)] : [];
}
