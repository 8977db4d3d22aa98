using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Commands.Output;

namespace Flanneld.Commands.Leases;

/// <summary>A lease as commands show it.</summary>
/// <param name="TimeToLive">Until it expires unless it is renewed; null for a reservation, and if it is not known.</param>
/// <param name="Route">Null without a status.</param>
internal sealed record LeaseDescription(Lease Lease, TimeSpan? TimeToLive, RouteStatus? Route)
{
    public string PublicIp => Lease.Attributes.PublicIp.ToString();

    /// <summary>The IPv6 subnet; null without one.</summary>
    public string? Ipv6Subnet => Lease.Key.Ipv6Subnet?.ToString();

    public string InstanceId => LeaseInstance.Read(Lease.Attributes)?.Id ?? "";

    /// <summary>Whether the node uses its subnet only with a route to its instance.</summary>
    public bool RequiresRoute => InstanceId.Length > 0;

    /// <summary>Whether the node is reached through the tunnel instead, because its route cannot be created.</summary>
    public bool IsInFallback =>
        RequiresRoute && VxlanBackendData.Parse(Lease.Attributes.BackendData).Ok && RouteFallback.Next(last: false, Route);

    /// <summary>The state of the route; empty without a status.</summary>
    public string RouteState => Route?.State.ToString() ?? "";

    /// <summary>The same for the route of the IPv6 subnet.</summary>
    public string Ipv6RouteState => Route?.Ipv6?.State.ToString() ?? "";

    /// <summary>When the lease expires, in UTC; <c>never</c> for a reservation; empty if it is not known.</summary>
    public string Expiry(DateTimeOffset now)
    {
        if (Lease.IsReservation) return "never";
        return TimeToLive is { } left ? UtcText.Of(now + left) : "";
    }

    /// <summary>Writes one object.</summary>
    public void WriteTo(Utf8JsonWriter json, DateTimeOffset now)
    {
        json.WriteStartObject();
        json.WriteString("subnet", Lease.Subnet.ToString());
        json.WriteString("publicIP", PublicIp);
        json.WriteString("ipv6Subnet", Ipv6Subnet);
        json.WriteString("publicIPv6", Lease.Attributes.PublicIpv6);
        json.WriteString("backend", Lease.Attributes.BackendType);
        json.WriteString("instanceId", InstanceId);
        json.WriteBoolean("reservation", Lease.IsReservation);
        json.WriteString("expires", Lease.IsReservation || TimeToLive is null ? null : Expiry(now));
        json.WritePropertyName("route");
        if (Route is null) json.WriteNullValue();
        else WriteTo(json, Route);
        json.WriteBoolean("fallback", IsInFallback);
        json.WriteEndObject();
    }

    private static void WriteTo(Utf8JsonWriter json, RouteStatus route)
    {
        json.WriteStartObject();
        json.WriteString("state", route.State.ToString());
        json.WriteStartArray("tables");
        foreach (var id in route.RouteTableIds) json.WriteStringValue(id);
        json.WriteEndArray();
        json.WriteString("message", route.Message);
        json.WriteString("requestId", route.RequestId);
        json.WriteString("since", UtcText.Of(route.Time));
        RouteStatusText.WriteTo(json, route.StateByTable());
        json.WritePropertyName("ipv6");
        if (route.Ipv6 is { } ipv6) WriteTo(json, ipv6, route.Ipv6StateByTable());
        else json.WriteNullValue();
        json.WriteEndObject();
    }

    private static void WriteTo(Utf8JsonWriter json, Ipv6RouteStatus route, IReadOnlyList<TableRouteStatus>? tables)
    {
        json.WriteStartObject();
        json.WriteString("state", route.State.ToString());
        json.WriteString("message", route.Message);
        json.WriteString("requestId", route.RequestId);
        RouteStatusText.WriteTo(json, tables);
        json.WriteEndObject();
    }
}
