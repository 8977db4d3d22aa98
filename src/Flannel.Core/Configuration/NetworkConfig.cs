using System.Text.Json;
using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>The cluster's network configuration, which an operator writes at <c>{prefix}/config</c>, with upstream's defaults. Immutable.
/// Every value has passed upstream's checks (<c>pkg/subnet/config.go</c>, <c>CheckNetworkConfig</c>).</summary>
public sealed record NetworkConfig
{
    /// <summary>The range of all subnets.</summary>
    public required Ipv4Network Network { get; init; }

    /// <summary>The prefix length of each node's subnet.</summary>
    public required int SubnetLength { get; init; }

    /// <summary>The first address of the first subnet that may be leased; by default the second subnet of the network.</summary>
    public required Ipv4Address SubnetMin { get; init; }

    /// <summary>The first address of the last subnet that may be leased.</summary>
    public required Ipv4Address SubnetMax { get; init; }

    /// <summary>The IPv6 part of a dual-stack cluster (<c>EnableIPv6</c> is true); null otherwise.</summary>
    public Ipv6Config? Ipv6 { get; init; }

    /// <summary>Whether the destination lies inside the network of its family.</summary>
    public bool Covers(IpNetwork destination) =>
        ((IpNetwork)Network).Contains(destination) || (Ipv6 is { } ipv6 && ((IpNetwork)ipv6.Network).Contains(destination));

    /// <summary><c>EnableNFTables</c>; null if it is not given.</summary>
    public bool? EnableNfTables { get; init; }

    /// <summary><c>Backend.Type</c> in lower case, as upstream looks it up; <see cref="FlannelContract.DefaultBackend"/> without a
    /// <c>Backend</c>.</summary>
    public required string BackendType { get; init; }

    /// <summary>The whole <c>Backend</c> object; undefined if the configuration has none. It may contain a secret: never print
    /// it.</summary>
    public JsonElement Backend { get; init; }

    /// <summary>Accepted properties that are probably mistakes, one line each, without a value of the backend.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The number of subnets in the range.</summary>
    public long SubnetCount => ((long)SubnetMax.Value - SubnetMin.Value >> (32 - SubnetLength)) + 1;

    /// <summary>True if both have the same effect on a node. The order of the properties inside <see cref="Backend"/> counts.</summary>
    public bool IsSameAs(NetworkConfig other) =>
        ToString() == other.ToString() && Ipv6 == other.Ipv6 && EnableNfTables == other.EnableNfTables
        && BackendText == other.BackendText;

    private string BackendText => Backend.ValueKind == JsonValueKind.Undefined ? "" : Backend.GetRawText();

    /// <summary>Without the backend, which may contain an access key.</summary>
    public override string ToString()
    {
        var ipv6 = Ipv6 is null ? "" : $"{Ipv6} ";
        return $"{Network} SubnetLen {SubnetLength} {SubnetMin}..{SubnetMax} {ipv6}backend {BackendType}";
    }
}
