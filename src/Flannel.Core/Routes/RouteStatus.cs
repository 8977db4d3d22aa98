using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.Core.Addresses;

namespace Flannel.Core.Routes;

/// <summary>What has become of one node's route. One word, the same in etcd, <c>/readyz?verbose</c>, metrics and log.</summary>
[JsonConverter(typeof(RouteStateByName))]
public enum RouteState
{
    /// <summary>Asked for or seen, not yet usable in every table.</summary>
    Pending,

    /// <summary>Every table that counts sends the subnet to the node.</summary>
    Available,

    /// <summary>Somebody else's entry stands where the route belongs; <see cref="RouteStatus.Message"/> names it.</summary>
    Conflict,

    /// <summary>The table is full.</summary>
    QuotaExceeded,

    /// <summary>The controller's credentials lack a right; the message names the RAM action.</summary>
    Denied,

    /// <summary>The cloud refused the request for a reason that retrying alone does not heal (unknown instance, wrong VPC …).</summary>
    Rejected,

    /// <summary>The cloud's API does not answer.</summary>
    Unreachable,

    /// <summary>The node gave its subnet back (<c>flanneld release</c>), and no table has its route any more.</summary>
    Released,
}

/// <summary>The controller's word to one node: the value at <c>{prefix}/ali-vpc/routes/{subnet key}</c>.</summary>
/// <param name="Subnet">The lease it speaks of; a node trusts it only if it is its own.</param>
/// <param name="InstanceId">The node it speaks of, likewise.</param>
/// <param name="RouteTableIds">The tables in which the route stands or should stand.</param>
/// <param name="Message">One line for an operator; empty when there is nothing to say.</param>
/// <param name="RequestId">Alibaba Cloud's id of the call that led to this state, for a support ticket; may be empty.</param>
/// <param name="Time">When the state was reached, UTC.</param>
public sealed record RouteStatus(
    string Subnet, string InstanceId, IReadOnlyList<string> RouteTableIds, RouteState State, string Message, string RequestId,
    DateTimeOffset Time)
{
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, RouteStatusJson.Default.RouteStatus);

    /// <summary>Null when the value is not a status: it is then treated as absent, and the controller writes it anew.</summary>
    public static RouteStatus? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var status = JsonSerializer.Deserialize(utf8, RouteStatusJson.Default.RouteStatus);
            // The serialiser refuses a missing or null property; it does not look into a list.
            return status is not null && !status.RouteTableIds.Contains(null!) ? status : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether a node with this lease and instance may believe it.</summary>
    public bool SpeaksOf(Ipv4Network subnet, string instanceId) => Subnet == subnet.ToString() && InstanceId == instanceId;

    /// <summary>The same word, whatever the time: nothing new to write.</summary>
    public bool SaysTheSameAs(RouteStatus other) =>
        Subnet == other.Subnet && InstanceId == other.InstanceId && State == other.State && Message == other.Message
        && RouteTableIds.SequenceEqual(other.RouteTableIds);
}

/// <summary>The library's own converter takes numbers too, whose meaning would depend on the version that wrote them, and lists
/// (<c>Pending, Available</c>), which it adds up to yet another state.</summary>
internal sealed class RouteStateByName : JsonConverter<RouteState>
{
    public override RouteState Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.GetString() is { } word && Enum.TryParse<RouteState>(word, out var state)
        && state.ToString() == word
            ? state
            : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, RouteState value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RouteStatus))]
internal sealed partial class RouteStatusJson : JsonSerializerContext;
