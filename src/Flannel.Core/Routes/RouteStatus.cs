using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.Core.Addresses;

namespace Flannel.Core.Routes;

/// <summary>The state of one node's route. The names are the same in etcd, <c>/readyz?verbose</c>, metrics and log.</summary>
[JsonConverter(typeof(RouteStateByName))]
public enum RouteState
{
    /// <summary>Requested or observed, and not yet available in every table.</summary>
    Pending,

    /// <summary>Every table that needs the route has it.</summary>
    Available,

    /// <summary>An entry that does not belong to this cluster prevents the route; <see cref="RouteStatus.Message"/> names it.</summary>
    Conflict,

    /// <summary>The table is full.</summary>
    QuotaExceeded,

    /// <summary>The controller's credentials have a missing permission; the message names the RAM action.</summary>
    Denied,

    /// <summary>The cloud rejected the request, and retrying does not help (unknown instance, wrong VPC …).</summary>
    Rejected,

    /// <summary>The cloud's API is unavailable.</summary>
    Unreachable,

    /// <summary>The node released its subnet (<c>flanneld release</c>), and no table has its route any more.</summary>
    Released,
}

/// <summary>The status of one node's route, which the route controller publishes at <c>{prefix}/ali-vpc/routes/{subnet key}</c>.
/// Immutable.</summary>
/// <param name="Subnet">The subnet of the lease. A node ignores the status of another subnet.</param>
/// <param name="InstanceId">The node. A node ignores the status of another instance.</param>
/// <param name="RouteTableIds">The tables in which the route is desired.</param>
/// <param name="Message">One line for an operator; may be empty.</param>
/// <param name="RequestId">Alibaba Cloud's id of the call that led to this state, for a support ticket; may be empty.</param>
/// <param name="Time">When the state was reached, UTC.</param>
public sealed record RouteStatus(
    string Subnet, string InstanceId, IReadOnlyList<string> RouteTableIds, RouteState State, string Message, string RequestId,
    DateTimeOffset Time)
{
    /// <summary>The state in each of <see cref="RouteTableIds"/>, sorted by table. Null if it adds nothing to <see cref="State"/>: the
    /// route is available, or pending without a reason. Null also without tables, and from a route controller that does not publish
    /// it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonConverter(typeof(OptionalTableRouteStatuses))]
    public IReadOnlyList<TableRouteStatus>? Tables { get; init; }

    /// <summary>The state of the route of the lease's IPv6 subnet. Null if none is desired, and from a route controller that does not know
    /// IPv6. Older nodes ignore it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonConverter(typeof(OptionalIpv6RouteStatus))]
    public Ipv6RouteStatus? Ipv6 { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, RouteStatusJson.Default.RouteStatus);

    /// <summary>Null if the value is not a status. It is then treated as absent, and the controller writes it again.</summary>
    public static RouteStatus? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var status = JsonSerializer.Deserialize(utf8, RouteStatusJson.Default.RouteStatus);
            // The serializer rejects a missing or null property, but not a null in a list.
            return status is not null && !status.RouteTableIds.Contains(null!) ? status : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>True if it is the status of a node with this subnet and instance.</summary>
    public bool IsFor(Ipv4Network subnet, string instanceId) => Subnet == subnet.ToString() && InstanceId == instanceId;

    /// <summary>The state with its tables, such as <c>QuotaExceeded in vtb-b, Available in vtb-a</c>; with the tables alone if their states
    /// are not known.</summary>
    public string StateAndTables()
    {
        if (RouteTableIds.Count == 0) return State.ToString();
        if (Tables is null) return $"{State} in {string.Join(", ", RouteTableIds)}";
        var groups = Tables.GroupBy(table => table.State).OrderBy(group => group.Key != State)
            .Select(group => $"{group.Key} in {string.Join(", ", group.Select(table => table.Table))}");
        var text = string.Join(", ", groups);
        return Tables.Any(table => table.State == State) ? text : $"{State}; {text}";
    }

    /// <summary>The state in each table; null if it is not known.</summary>
    public IReadOnlyList<TableRouteStatus>? StateByTable() => Tables ?? TableRouteStatus.Available(State, RouteTableIds);

    /// <summary>The same for the IPv6 route, whose tables are those of IPv4.</summary>
    public IReadOnlyList<TableRouteStatus>? Ipv6StateByTable() =>
        Ipv6 is { } ipv6 ? ipv6.Tables ?? TableRouteStatus.Available(ipv6.State, RouteTableIds) : null;

    /// <summary>True if nothing but the time and the request ids differ: a retry that fails like the one before changes
    /// nothing.</summary>
    public bool HasSameContentAs(RouteStatus other) =>
        Subnet == other.Subnet && InstanceId == other.InstanceId && State == other.State && Message == other.Message
        && RouteTableIds.SequenceEqual(other.RouteTableIds) && TableRouteStatus.AreSame(Tables, other.Tables)
        && (Ipv6 is null || other.Ipv6 is null ? Ipv6 == other.Ipv6 : Ipv6.HasSameContentAs(other.Ipv6));
}

/// <summary>The state of the route of a node's IPv6 subnet. The node's IPv4 traffic and its readiness do not depend on it.</summary>
/// <param name="Subnet">The IPv6 subnet of the lease.</param>
/// <param name="Message">One line for an operator; may be empty.</param>
/// <param name="RequestId">Alibaba Cloud's id of the call that led to this state; may be empty.</param>
public sealed record Ipv6RouteStatus(string Subnet, RouteState State, string Message, string RequestId)
{
    /// <summary>As in <see cref="RouteStatus.Tables"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonConverter(typeof(OptionalTableRouteStatuses))]
    public IReadOnlyList<TableRouteStatus>? Tables { get; init; }

    /// <summary>True if nothing but the request ids differ.</summary>
    public bool HasSameContentAs(Ipv6RouteStatus other) =>
        Subnet == other.Subnet && State == other.State && Message == other.Message && TableRouteStatus.AreSame(Tables, other.Tables);
}

/// <summary>An IPv6 part that cannot be read counts as absent: the status of IPv4 does not depend on it.</summary>
internal sealed class OptionalIpv6RouteStatus : JsonConverter<Ipv6RouteStatus>
{
    public override Ipv6RouteStatus? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        try
        {
            return document.RootElement.Deserialize(RouteStatusJson.Default.Ipv6RouteStatus);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public override void Write(Utf8JsonWriter writer, Ipv6RouteStatus value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value, RouteStatusJson.Default.Ipv6RouteStatus);
}

/// <summary>Accepts names only. The library's converter also accepts numbers, whose meaning depends on the version that wrote them, and
/// lists (<c>Pending, Available</c>), which it combines to another state.</summary>
internal sealed class RouteStateByName : JsonConverter<RouteState>
{
    public override RouteState Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.GetString() is { } name && Enum.TryParse<RouteState>(name, out var state)
        && state.ToString() == name
            ? state
            : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, RouteState value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RouteStatus))]
[JsonSerializable(typeof(Ipv6RouteStatus))]
[JsonSerializable(typeof(TableRouteStatus[]))]
internal sealed partial class RouteStatusJson : JsonSerializerContext;
