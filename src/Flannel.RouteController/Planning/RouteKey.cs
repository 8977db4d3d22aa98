using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>A place for one entry: the API allows no second one.</summary>
internal sealed record RouteKey(string TableId, Ipv4Network Destination)
{
    public static RouteKey Of(RouteAction step) => new(step.RouteTableId, step.Destination);
}
