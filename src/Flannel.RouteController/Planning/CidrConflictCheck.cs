using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Which destinations the API rejects because of the VPC's own ranges. Its rules (CreateRouteEntry and CreateRouteEntries, version
/// 2016-04-28): a destination must not equal a vSwitch's range or lie inside it, of IPv4 or of IPv6. It may contain one, but not in a
/// batch. It must not be 100.64.0.0/10, and in a batch it must not lie inside that either. A range of the VPC that no vSwitch uses is
/// allowed, but unwise.</summary>
public sealed class CidrConflictCheck
{
    /// <summary>The cloud's own services: DNS, the metadata service, mirrors.</summary>
    private static readonly Ipv4Network Services = Ipv4Network.Parse("100.64.0.0/10");

    private readonly IReadOnlyList<OwnedRange> vSwitches;
    private readonly IReadOnlyList<OwnedRange> ipv6VSwitches;
    private readonly IReadOnlyList<OwnedRange> blocks;

    private CidrConflictCheck(
        IReadOnlyList<OwnedRange> vSwitches, IReadOnlyList<OwnedRange> ipv6VSwitches, IReadOnlyList<OwnedRange> blocks) =>
        (this.vSwitches, this.ipv6VSwitches, this.blocks) = (vSwitches, ipv6VSwitches, blocks);

    /// <param name="Owner">For messages.</param>
    private sealed record OwnedRange(string Owner, IpNetwork Range);

    /// <summary>The IPv4 ranges of the vSwitches.</summary>
    public IReadOnlyList<Ipv4Network> VSwitches => [.. vSwitches.Select(v => v.Range.Ipv4!.Value)];

    public static CidrConflictCheck Of(VpcAttributes vpc, IReadOnlyList<VSwitchAttributes> vSwitches) => new(
        [.. vSwitches.SelectMany(v => Parse(v.VSwitchId, v.CidrBlock))],
        [.. vSwitches.SelectMany(v => ParseIpv6(v.VSwitchId, v.Ipv6CidrBlock))],
        [
            .. Parse("the VPC's range", vpc.CidrBlock),
            .. ParseIpv6("the VPC's IPv6 range", vpc.Ipv6CidrBlock),
            .. vpc.SecondaryCidrBlocks.SelectMany(block => Parse("the VPC's secondary range", block)),
            .. vpc.UserCidrs.SelectMany(block => Parse("the VPC's user range", block)),
        ]);

    /// <summary>Whether it lies inside the range of the cloud's own services: CreateRouteEntry accepts it, CreateRouteEntries does
    /// not.</summary>
    public static bool IsInServices(IpNetwork destination) => destination.Ipv4 is { } ipv4 && Services.Contains(ipv4);

    /// <summary>Why the API would reject the destination; null if it would not.</summary>
    public string? RejectionOf(IpNetwork destination)
    {
        if (destination.Ipv4 == Services) return $"{destination} belongs to the cloud's own services";
        var vSwitch = VSwitchesOf(destination).FirstOrDefault(v => v.Range.Contains(destination));
        return vSwitch is null ? null
            : $"{destination} lies inside {vSwitch.Range} of vSwitch {vSwitch.Owner}: choose a network that overlaps no vSwitch";
    }

    /// <summary>False for a destination that only the call for one entry accepts.</summary>
    public bool FitsBatch(IpNetwork destination) => !IsInServices(destination) && !OverlapsVSwitch(destination);

    /// <summary>Whether the network overlaps a vSwitch. The subnets that overlap it are never leased.</summary>
    public bool OverlapsVSwitch(IpNetwork network) => VSwitchesOf(network).Any(v => v.Range.Overlaps(network));

    /// <summary>One line for each range that the network overlaps.</summary>
    public IReadOnlyList<string> Warnings(IpNetwork network)
    {
        var lines = new List<string>();
        if (network.Overlaps(Services)) lines.Add($"network {network} overlaps {Services}, the range of the cloud's own services");
        lines.AddRange(VSwitchesOf(network).Where(v => v.Range.Overlaps(network))
            .Select(v => $"network {network} overlaps {v.Range} of vSwitch {v.Owner}"));
        lines.AddRange(blocks.Where(b => b.Range.Overlaps(network)).Select(b => $"network {network} overlaps {b.Range}, {b.Owner}"));
        return lines;
    }

    private IReadOnlyList<OwnedRange> VSwitchesOf(IpNetwork destination) => destination.IsV6 ? ipv6VSwitches : vSwitches;

    /// <summary>Empty if the text is no IPv4 range.</summary>
    private static OwnedRange[] Parse(string owner, string text) =>
        Ipv4Network.TryParse(text, out var range) ? [new OwnedRange(owner, range)] : [];

    /// <summary>Empty if the text is no IPv6 range: the vSwitch has none.</summary>
    private static OwnedRange[] ParseIpv6(string owner, string text) =>
        Ipv6Network.TryParse(text, '/', out var range, out _) ? [new OwnedRange(owner, range)] : [];
}
