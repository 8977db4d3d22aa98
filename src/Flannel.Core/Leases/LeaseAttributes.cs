using System.Buffers;
using System.Text.Json;
using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The value of a lease's key, in the form of upstream's <c>LeaseAttrs</c> (<c>pkg/lease/lease.go</c>):
/// <c>{"PublicIP":"…","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{…}}</c>.</summary>
/// <param name="PublicIp">The node's address at which the other nodes reach it.</param>
/// <param name="PublicIpv6">As written; null for a node without one.</param>
/// <param name="BackendType">The backend of the node that wrote it; empty if not given.</param>
/// <param name="BackendData">Raw JSON of that backend; null if not given.</param>
/// <param name="BackendV6Data">The same for IPv6; null if not given.</param>
public sealed record LeaseAttributes(
    Ipv4Address PublicIp, string? PublicIpv6, string BackendType, string? BackendData, string? BackendV6Data)
{
    /// <summary>Parses a value that another program wrote. Unknown properties are ignored and names match in any case, as in Go's
    /// decoder.</summary>
    public static Result<LeaseAttributes> Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8.ToArray());
            return Parse(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Result.Failure("not valid JSON");
        }
    }

    /// <summary>UTF-8 JSON with the properties in upstream's order; those that upstream omits when empty are omitted.</summary>
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

    private static Result<LeaseAttributes> Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return Result.Failure("not a JSON object");
        Ipv4Address publicIp = default;
        string? publicIpv6 = null, backendType = null, data = null, v6Data = null;
        foreach (var property in root.EnumerateObject())
        {
            var (name, value) = (property.Name.ToUpperInvariant(), property.Value);
            if (value.ValueKind == JsonValueKind.Null) continue;
            switch (name)
            {
                case "PUBLICIP" when value.ValueKind != JsonValueKind.String || !Ipv4Address.TryParse(value.GetString(), out publicIp):
                    return Result.Failure("PublicIP is not an IPv4 address");
                case "PUBLICIPV6" when value.ValueKind == JsonValueKind.String:
                    publicIpv6 = value.GetString();
                    break;
                case "BACKENDTYPE" when value.ValueKind != JsonValueKind.String:
                    return Result.Failure("BackendType is not a string");
                case "BACKENDTYPE":
                    backendType = value.GetString();
                    break;
                case "BACKENDDATA":
                    data = value.GetRawText();
                    break;
                case "BACKENDV6DATA":
                    v6Data = value.GetRawText();
                    break;
            }
        }

        return new LeaseAttributes(publicIp, publicIpv6, backendType ?? "", data, v6Data);
    }
}
