using System.Text.Json;
using System.Text.Json.Serialization;

namespace Flannel.Core.Routes;

/// <summary>The state of one node's route in one route table. A part of a <see cref="RouteStatus"/>. Immutable.</summary>
/// <param name="Table">The id of the route table.</param>
/// <param name="Code">The error code of the cloud's response, or in angle brackets that of a call without a response; empty if no failed
/// call led to this state.</param>
/// <param name="RequestId">Alibaba Cloud's id of the first call that failed with this code; may be empty.</param>
/// <param name="Message">One line for an operator; may be empty.</param>
public sealed record TableRouteStatus(string Table, RouteState State, string Code, string RequestId, string Message)
{
    /// <summary>A status names at most this many tables. A VPC has 10 by default.</summary>
    public const int MaxTables = 16;

    /// <summary>The longest message, in characters. 100 statuses are one request to etcd, which accepts 1.5 MB.</summary>
    public const int MaxMessageLength = 240;

    /// <summary>The tables of a status, sorted by table and bounded: available ones are left out first, and messages are
    /// shortened.</summary>
    public static IReadOnlyList<TableRouteStatus> Bound(IEnumerable<TableRouteStatus> tables) =>
    [
        .. tables.OrderBy(table => table.State == RouteState.Available).Take(MaxTables)
            .OrderBy(table => table.Table, StringComparer.Ordinal).Select(table => table with { Message = Shorten(table.Message) }),
    ];

    /// <summary>The tables of a status without <see cref="RouteStatus.Tables"/>; null if the state in each table is not known.</summary>
    internal static IReadOnlyList<TableRouteStatus>? Available(RouteState state, IReadOnlyList<string> tableIds) =>
        state == RouteState.Available ? [.. tableIds.Select(id => new TableRouteStatus(id, state, "", "", ""))] : null;

    /// <summary>True if nothing but the request ids and the reasons of pending tables differ: each attempt may fail for another
    /// one.</summary>
    internal static bool AreSame(IReadOnlyList<TableRouteStatus>? one, IReadOnlyList<TableRouteStatus>? other) =>
        one is null || other is null
            ? one is null && other is null
            : one.Select(Lasting).SequenceEqual(other.Select(Lasting));

    private static TableRouteStatus Lasting(TableRouteStatus table) => table is { State: RouteState.Pending, Message.Length: > 0 }
        ? new(table.Table, table.State, "", "", "an attempt failed")
        : table with { RequestId = "" };

    private static string Shorten(string message)
    {
        if (message.Length <= MaxMessageLength) return message;
        // Half a character would be read back as another text.
        var length = MaxMessageLength - (char.IsHighSurrogate(message[MaxMessageLength - 2]) ? 2 : 1);
        return string.Concat(message.AsSpan(0, length), "…");
    }
}

/// <summary>A list that is empty or cannot be read counts as absent: the state of the route does not depend on it. A longer one than this
/// program writes is bounded.</summary>
internal sealed class OptionalTableRouteStatuses : JsonConverter<IReadOnlyList<TableRouteStatus>>
{
    public override IReadOnlyList<TableRouteStatus>? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        try
        {
            var tables = document.RootElement.Deserialize(RouteStatusJson.Default.TableRouteStatusArray);
            return tables is null or [] || tables.Contains(null) ? null : TableRouteStatus.Bound(tables);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<TableRouteStatus> value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, [.. value], RouteStatusJson.Default.TableRouteStatusArray);
}
