using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Vpc;

/// <summary>An entry of a route table, as DescribeRouteEntryList tells it.</summary>
/// <param name="Destination">Null when it is not an IPv4 prefix (IPv6, a prefix list): never ours.</param>
/// <param name="IsCustom">Type Custom and not hosted by another service (ServiceType TR): only these may be touched.</param>
/// <param name="NextHops">More than one for ECMP, which is never ours.</param>
public sealed record RouteEntry(
    string RouteTableId, string RouteEntryId, Ipv4Network? Destination, string DestinationText, bool IsCustom, RouteEntryStatus Status,
    string Name, string Description, IReadOnlyList<NextHop> NextHops);

public enum RouteEntryStatus { Pending, Available, Modifying, Deleting, Unknown }

/// <param name="Type"><c>Instance</c>, <c>NetworkInterface</c>, or another word of the API.</param>
public sealed record NextHop(string Type, string Id);

/// <summary>A route to be made. Name and Description carry the mark of ownership.</summary>
public sealed record NewRouteEntry(string RouteTableId, Ipv4Network Destination, NextHop NextHop, string Name, string Description);
