using System.Text.Json;
using System.Text.Json.Serialization;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Who holds the controller's election: the value at <c>{prefix}/ali-vpc/controller</c>.</summary>
public sealed record ControllerHolder(string InstanceId, string PublicIp)
{
    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ControllerHolderJson.Default.ControllerHolder);

    /// <summary>Null when the key is absent. A value that is not ours still means that somebody holds it.</summary>
    internal static ControllerHolder? Read(KeyValue? pair)
    {
        if (pair is null) return null;
        try
        {
            var holder = JsonSerializer.Deserialize(pair.Value.Span, ControllerHolderJson.Default.ControllerHolder);
            return holder is { InstanceId: not null, PublicIp: not null } ? holder : new ControllerHolder("?", "?");
        }
        catch (JsonException)
        {
            return new ControllerHolder("?", "?");
        }
    }
}

[JsonSerializable(typeof(ControllerHolder))]
internal sealed partial class ControllerHolderJson : JsonSerializerContext;
