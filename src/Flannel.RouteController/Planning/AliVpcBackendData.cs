using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.AliCloud.Metadata;

namespace Flannel.RouteController.Planning;

/// <summary>The <c>BackendData</c> of a lease: where the node is in the cloud. A lease without it belongs to a node of upstream's
/// <c>ali-vpc</c>, which writes its own route.</summary>
/// <param name="InstanceId"><c>i-…</c>, from the metadata service.</param>
/// <param name="NetworkInterfaceId"><c>eni-…</c> of the interface that has the node's public address.</param>
/// <param name="PrimaryInterface">Whether that is the instance's primary interface: then the next hop is the instance, else the
/// interface.</param>
public sealed record AliVpcBackendData(
    string RegionId, string VpcId, string VSwitchId, string InstanceId, string NetworkInterfaceId, bool PrimaryInterface)
{
    /// <summary>The node released its subnet: its route is deleted at once, and then its lease. A node that starts again writes its data
    /// without this.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Released { get; init; }

    /// <summary>Of the node's VXLAN device, with <c>Fallback</c>; null without one. The route controller does not use it.</summary>
    [JsonPropertyName("VNI")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Vni { get; init; }

    /// <summary>The MAC address of that device, as in the lease of backend vxlan; null without one.</summary>
    [JsonPropertyName("VtepMAC")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? VtepMac { get; init; }

    public static AliVpcBackendData Of(InstanceIdentity identity) => new(
        identity.RegionId, identity.VpcId, identity.VSwitchId, identity.InstanceId, identity.NetworkInterfaceId, identity.PrimaryInterface);

    public string ToJson() => JsonSerializer.Serialize(this, AliVpcBackendDataJson.Default.AliVpcBackendData);

    /// <summary>Null if the text is missing or not the data of this program.</summary>
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
