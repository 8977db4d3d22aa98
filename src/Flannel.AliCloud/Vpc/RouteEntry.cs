using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Vpc;

/// <summary>An entry of a route table, as DescribeRouteEntryList returns it.</summary>
/// <param name="Destination">Null if it is not a prefix (a prefix list).</param>
/// <param name="DestinationText">As the API writes it.</param>
/// <param name="IsCustom">True for type Custom, unless another service (ServiceType, such as TR) manages the entry. Only such entries may
/// be changed.</param>
/// <param name="NextHops">More than one for ECMP.</param>
public sealed record RouteEntry(
    string RouteTableId, string RouteEntryId, IpNetwork? Destination, string DestinationText, bool IsCustom, RouteEntryStatus Status,
    string Name, string Description, IReadOnlyList<NextHop> NextHops);

public enum RouteEntryStatus { Pending, Available, Modifying, Deleting, Unknown }

/// <param name="Type"><c>Instance</c>, <c>NetworkInterface</c>, or another type of the API.</param>
public sealed record NextHop(string Type, string Id);

/// <summary>A route entry to create.</summary>
public sealed record NewRouteEntry(string RouteTableId, IpNetwork Destination, NextHop NextHop, string Name, string Description);
