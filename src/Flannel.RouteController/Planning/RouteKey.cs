using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Identifies an entry: the API allows one per route table and destination.</summary>
internal sealed record RouteKey(string TableId, IpNetwork Destination)
{
    public static RouteKey Of(RouteAction action) => new(action.RouteTableId, action.Destination);
}
