namespace Flannel.AliCloud.Vpc;

/// <summary>A VPC with its CIDR blocks, as the API writes them.</summary>
public sealed record VpcAttributes(
    string VpcId, string CidrBlock, IReadOnlyList<string> SecondaryCidrBlocks, IReadOnlyList<string> UserCidrs)
{
    /// <summary>As the API writes it; empty without IPv6.</summary>
    public string Ipv6CidrBlock { get; init; } = "";
}

/// <summary>A vSwitch and the route table that serves it.</summary>
public sealed record VSwitchAttributes(string VSwitchId, string VpcId, string CidrBlock, string RouteTableId)
{
    /// <summary>As the API writes it; empty without IPv6.</summary>
    public string Ipv6CidrBlock { get; init; } = "";
}
