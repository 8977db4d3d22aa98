using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Routes;

namespace Flanneld.Commands.Output;

/// <summary>A route status in one line, for people. Pure.</summary>
internal static class RouteStatusText
{
    private const string State = "STATE";

    /// <summary>Such as <c>Denied in vtb-a: vpc:CreateRouteEntries (request 1A2B)</c>.</summary>
    public static string Of(RouteStatus route) => $"{route.StateAndTables()}{Reason(route)}";

    /// <summary>The same for IPv6, whose tables are those of IPv4.</summary>
    public static string Of(Ipv6RouteStatus route) => route.State + Reason(route.Message, route.RequestId);

    /// <summary>The same with the time of the status after the tables, and without a reason that <see cref="Table"/> prints.</summary>
    public static string WithTime(RouteStatus route) => $"{route.StateAndTables()} since {UtcText.Of(route.Time)}"
        + (Prints(route.Tables, route.State, route.Message) ? "" : Reason(route));

    /// <summary>For IPv6, without a reason that <see cref="Table"/> prints.</summary>
    public static string Brief(Ipv6RouteStatus route) =>
        Prints(route.Tables, route.State, route.Message) ? route.State.ToString() : Of(route);

    /// <summary>One row for each route table; null if the state of the route says everything.</summary>
    public static TextTable? Table(IReadOnlyList<TableRouteStatus>? tables)
    {
        if (tables is null or []) return null;
        var text = new TextTable("TABLE", State, "CODE", "REQUEST", "MESSAGE") { StateColumn = State };
        foreach (var table in tables) text.Add(table.Table, table.State.ToString(), table.Code, table.RequestId, table.Message);
        return text;
    }

    /// <summary>Writes the states by table: an array, or null if they are not known.</summary>
    public static void WriteTo(Utf8JsonWriter json, IReadOnlyList<TableRouteStatus>? tables)
    {
        json.WritePropertyName("tableStates");
        if (tables is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (var table in tables)
        {
            json.WriteStartObject();
            json.WriteString("table", table.Table);
            json.WriteString("state", table.State.ToString());
            json.WriteString("code", table.Code);
            json.WriteString("requestId", table.RequestId);
            json.WriteString("message", table.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Whether the table of the states prints the reason of the whole route. It does not if that is of another kind, such as a
    /// vSwitch that may not be read, or longer than a message of a table.</summary>
    private static bool Prints(IReadOnlyList<TableRouteStatus>? tables, RouteState state, string message) =>
        tables?.Any(table => table.State == state && table.Message == message) == true;

    private static string Reason(RouteStatus route) => Reason(route.Message, route.RequestId);

    private static string Reason(string message, string requestId)
    {
        var text = message.Length > 0 ? $": {message}" : "";
        var request = requestId.Length > 0 ? $" (request {requestId})" : "";
        return text + request;
    }
}
