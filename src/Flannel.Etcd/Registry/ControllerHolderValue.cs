using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.Core.Routes;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>The value at <c>{prefix}/ali-vpc/controller</c>.</summary>
internal static class ControllerHolderValue
{
    // The key exists, so a route controller is elected; only its name is unknown.
    private static readonly ControllerHolder Unknown = new("?", "?");

    public static byte[] ToJson(ControllerHolder holder) =>
        JsonSerializer.SerializeToUtf8Bytes(holder, ControllerHolderJson.Default.ControllerHolder);

    /// <summary>Null if the key is absent.</summary>
    public static ControllerHolder? Read(KeyValue? pair)
    {
        if (pair is null) return null;
        try
        {
            var holder = JsonSerializer.Deserialize(pair.Value.Span, ControllerHolderJson.Default.ControllerHolder);
            return holder is { InstanceId: not null, PublicIp: not null } ? holder : Unknown;
        }
        catch (JsonException)
        {
            return Unknown;
        }
    }
}

[JsonSerializable(typeof(ControllerHolder))]
internal sealed partial class ControllerHolderJson : JsonSerializerContext;
