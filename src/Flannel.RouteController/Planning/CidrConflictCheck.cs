using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Which destinations the API rejects because of the VPC's own ranges. Its rules (CreateRouteEntry and CreateRouteEntries, version
/// 2016-04-28): a destination must not equal a vSwitch's range or lie inside it. It may contain one, but not in a batch. It must not be
/// 100.64.0.0/10, and in a batch it must not lie inside that either. A range of the VPC that no vSwitch uses is allowed, but
/// unwise.</summary>
public sealed class CidrConflictCheck
{
    /// <summary>The cloud's own services: DNS, the metadata service, mirrors.</summary>
    private static readonly Ipv4Network Services = Ipv4Network.Parse("100.64.0.0/10");

    private readonly IReadOnlyList<OwnedRange> vSwitches;
    private readonly IReadOnlyList<OwnedRange> blocks;

    private CidrConflictCheck(IReadOnlyList<OwnedRange> vSwitches, IReadOnlyList<OwnedRange> blocks) =>
        (this.vSwitches, this.blocks) = (vSwitches, blocks);

    /// <param name="Owner">For messages.</param>
    private sealed record OwnedRange(string Owner, Ipv4Network Range);

    /// <summary>The ranges of the vSwitches.</summary>
    public IReadOnlyList<Ipv4Network> VSwitches => [.. vSwitches.Select(v => v.Range)];

    public static CidrConflictCheck Of(VpcAttributes vpc, IReadOnlyList<VSwitchAttributes> vSwitches) => new(
        [.. vSwitches.SelectMany(v => Parse(v.VSwitchId, v.CidrBlock))],
        [
            .. Parse("the VPC's range", vpc.CidrBlock),
            .. vpc.SecondaryCidrBlocks.SelectMany(block => Parse("the VPC's secondary range", block)),
            .. vpc.UserCidrs.SelectMany(block => Parse("the VPC's user range", block)),
        ]);

    /// <summary>Whether it lies inside the range of the cloud's own services: CreateRouteEntry accepts it, CreateRouteEntries does
    /// not.</summary>
    public static bool IsInServices(Ipv4Network destination) => Services.Contains(destination);

    /// <summary>Why the API would reject the destination; null if it would not.</summary>
    public string? RejectionOf(Ipv4Network destination)
    {
        if (destination == Services) return $"{destination} belongs to the cloud's own services";
        var vSwitch = vSwitches.FirstOrDefault(v => v.Range.Contains(destination));
        return vSwitch is null ? null
            : $"{destination} lies inside {vSwitch.Range} of vSwitch {vSwitch.Owner}: choose a network that overlaps no vSwitch";
    }

    /// <summary>False for a destination that only the call for one entry accepts.</summary>
    public bool FitsBatch(Ipv4Network destination) => !IsInServices(destination) && !OverlapsVSwitch(destination);

    /// <summary>Whether the network overlaps a vSwitch. The subnets that overlap it are never leased.</summary>
    public bool OverlapsVSwitch(Ipv4Network network) => vSwitches.Any(v => v.Range.Overlaps(network));

    /// <summary>One line for each range that the network overlaps.</summary>
    public IReadOnlyList<string> Warnings(Ipv4Network network)
    {
        var lines = new List<string>();
        if (network.Overlaps(Services)) lines.Add($"network {network} overlaps {Services}, the range of the cloud's own services");
        lines.AddRange(vSwitches.Where(v => v.Range.Overlaps(network))
            .Select(v => $"network {network} overlaps {v.Range} of vSwitch {v.Owner}"));
        lines.AddRange(blocks.Where(b => b.Range.Overlaps(network)).Select(b => $"network {network} overlaps {b.Range}, {b.Owner}"));
        return lines;
    }

    /// <summary>Empty if the text is no IPv4 range.</summary>
    private static OwnedRange[] Parse(string owner, string text) =>
        Ipv4Network.TryParse(text, out var range) ? [new OwnedRange(owner, range)] : [];
}
