using System.Buffers;
using System.Text.Json;
using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The value of a lease's key, in the form of upstream's <c>LeaseAttrs</c> (<c>pkg/lease/lease.go</c>):
/// <c>{"PublicIP":"…","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{…}}</c>.</summary>
/// <param name="PublicIp">The node's address that the other nodes reach it by.</param>
/// <param name="PublicIpv6">As written; null for a node without one.</param>
/// <param name="BackendType">The backend of the node that wrote it; empty if not given.</param>
/// <param name="BackendData">Raw JSON that only that backend understands; null if not given.</param>
/// <param name="BackendV6Data">The same for IPv6; null if not given.</param>
public sealed record LeaseAttributes(
    Ipv4Address PublicIp, string? PublicIpv6, string BackendType, string? BackendData, string? BackendV6Data)
{
    /// <summary>Reads a value that another program wrote. Null with a reason when it cannot be a lease's value;
    /// unknown properties are ignored, names match in any case, as Go's decoder does.</summary>
    public static LeaseAttributes? Parse(ReadOnlySpan<byte> utf8, out string reason)
    {
        reason = "";
        try
        {
            using var document = JsonDocument.Parse(utf8.ToArray());
            return Read(document.RootElement, out reason);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            reason = "not valid JSON";
            return null;
        }
    }

    /// <summary>UTF-8 JSON with the properties in upstream's order; those that upstream leaves out when empty are left out.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("PublicIP", PublicIp.ToString());
            writer.WriteString("PublicIPv6", PublicIpv6);
            if (BackendType.Length > 0) writer.WriteString("BackendType", BackendType);
            if (BackendData is not null)
            {
                writer.WritePropertyName("BackendData");
                writer.WriteRawValue(BackendData);
            }

            if (BackendV6Data is not null)
            {
                writer.WritePropertyName("BackendV6Data");
                writer.WriteRawValue(BackendV6Data);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static LeaseAttributes? Read(JsonElement root, out string reason)
    {
        reason = "";
        if (root.ValueKind != JsonValueKind.Object)
        {
            reason = "not a JSON object";
            return null;
        }

        Ipv4Address publicIp = default;
        string? publicIpv6 = null, backendType = null, data = null, v6Data = null;
        foreach (var property in root.EnumerateObject())
        {
            switch (property.Name.ToUpperInvariant())
            {
                case "PUBLICIP":
                    if (property.Value.ValueKind == JsonValueKind.Null) break;
                    if (property.Value.ValueKind != JsonValueKind.String || !Ipv4Address.TryParse(property.Value.GetString(), out publicIp))
                    {
                        reason = "PublicIP is not an IPv4 address";
                        return null;
                    }

                    break;
                case "PUBLICIPV6" when property.Value.ValueKind == JsonValueKind.String:
                    publicIpv6 = property.Value.GetString();
                    break;
                case "BACKENDTYPE" when property.Value.ValueKind == JsonValueKind.String:
                    backendType = property.Value.GetString();
                    break;
                case "BACKENDTYPE" when property.Value.ValueKind != JsonValueKind.Null:
                    reason = "BackendType is not a string";
                    return null;
                case "BACKENDDATA" when property.Value.ValueKind != JsonValueKind.Null:
                    data = property.Value.GetRawText();
                    break;
                case "BACKENDV6DATA" when property.Value.ValueKind != JsonValueKind.Null:
                    v6Data = property.Value.GetRawText();
                    break;
            }
        }

        return new LeaseAttributes(publicIp, publicIpv6, backendType ?? "", data, v6Data);
    }
}
