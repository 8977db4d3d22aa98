using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.AliCloud.Metadata;

namespace Flannel.RouteController.Planning;

/// <summary>What a node tells the route controller about itself: the <c>BackendData</c> of its lease. A lease without it belongs to a node
/// of upstream's old <c>ali-vpc</c>, which writes its own route.</summary>
/// <param name="InstanceId"><c>i-…</c>, from the metadata service.</param>
/// <param name="NetworkInterfaceId"><c>eni-…</c> of the interface that carries the node's public address.</param>
/// <param name="PrimaryInterface">Whether that is the instance's primary interface: then the next hop is the instance, else the ENI.</param>
public sealed record AliVpcBackendData(
    string RegionId, string VpcId, string VSwitchId, string InstanceId, string NetworkInterfaceId, bool PrimaryInterface)
{
    /// <summary>The node leaves for good: its route is to be deleted at once, and the lease goes when that is done. A node that starts again
    /// writes its data anew, without this.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Released { get; init; }

    public static AliVpcBackendData Of(InstanceIdentity identity) => new(
        identity.RegionId, identity.VpcId, identity.VSwitchId, identity.InstanceId, identity.NetworkInterfaceId, identity.PrimaryInterface);

    public string ToJson() => JsonSerializer.Serialize(this, AliVpcBackendDataJson.Default.AliVpcBackendData);

    /// <summary>Null when the text is absent or not ours.</summary>
    public static AliVpcBackendData? Parse(string? json)
    {
        if (json is null) return null;
        try
        {
            var data = JsonSerializer.Deserialize(json, AliVpcBackendDataJson.Default.AliVpcBackendData);
            return data is { RegionId: not null, VpcId: not null, VSwitchId: not null, InstanceId: not null, NetworkInterfaceId: not null }
                ? data
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(AliVpcBackendData))]
internal sealed partial class AliVpcBackendDataJson : JsonSerializerContext;
