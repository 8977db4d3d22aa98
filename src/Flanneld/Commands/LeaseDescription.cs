using System.Text.Json.Nodes;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Commands.Output;

namespace Flanneld.Commands;

/// <summary>A lease as commands show it.</summary>
/// <param name="TimeToLive">Until it expires unless it is renewed; null for a reservation, and if it is not known.</param>
/// <param name="Route">Null without a status.</param>
internal sealed record LeaseDescription(Lease Lease, TimeSpan? TimeToLive, RouteStatus? Route)
{
    public string InstanceId => LeaseInstance.Read(Lease.Attributes)?.Id ?? "";

    /// <summary>The state of the route; empty without a status.</summary>
    public string RouteState => Route?.State.ToString() ?? "";

    /// <summary>When the lease expires, in UTC; <c>never</c> for a reservation; empty if it is not known.</summary>
    public string Expiry(DateTimeOffset now)
    {
        if (Lease.IsReservation) return "never";
        return TimeToLive is { } left ? RouteStatusText.Utc(now + left) : "";
    }

    public JsonObject ToJson(DateTimeOffset now) => new()
    {
        ["subnet"] = Lease.Subnet.ToString(),
        ["publicIP"] = Lease.Attributes.PublicIp.ToString(),
        ["backend"] = Lease.Attributes.BackendType,
        ["instanceId"] = InstanceId,
        ["reservation"] = Lease.IsReservation,
        ["expires"] = Lease.IsReservation || TimeToLive is null ? null : Expiry(now),
        ["route"] = Route is null ? null : RouteJson(Route),
    };

    private static JsonObject RouteJson(RouteStatus route) => new()
    {
        ["state"] = route.State.ToString(),
        ["tables"] = new JsonArray([.. route.RouteTableIds.Select(id => (JsonNode)id)]),
        ["message"] = route.Message,
        ["requestId"] = route.RequestId,
        ["since"] = RouteStatusText.Utc(route.Time),
    };
}
