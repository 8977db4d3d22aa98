using System.Text.Json;
using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>The properties of the network configuration as they were given, before any default.</summary>
internal sealed class NetworkConfigFields
{
    public bool EnableIpv4 = true;
    public bool EnableIpv6;
    public Ipv4Network Network;
    public Ipv6Network Ipv6Network;
    public uint SubnetLength;
    public uint Ipv6SubnetLength;
    public Ipv4Address SubnetMin;
    public Ipv4Address SubnetMax;
    public UInt128 Ipv6SubnetMin;
    public UInt128 Ipv6SubnetMax;
    public JsonElement Backend;
    public string BackendType = "udp";

    /// <summary>Null, or what is wrong with this property.</summary>
    public string? Take(string name, JsonElement value) => name.ToUpperInvariant() switch
    {
        // Not like the others: upstream decodes null into an empty type, and an absent Backend into "udp".
        "BACKEND" => TakeBackend(name, value),
        _ when value.ValueKind == JsonValueKind.Null => null,
        "ENABLEIPV4" => Boolean(name, value, ref EnableIpv4),
        "ENABLEIPV6" => Boolean(name, value, ref EnableIpv6),
        "NETWORK" => Prefix(name, value, ref Network),
        "IPV6NETWORK" => Prefix(name, value, ref Ipv6Network),
        "SUBNETLEN" => Number(name, value, ref SubnetLength),
        "IPV6SUBNETLEN" => Number(name, value, ref Ipv6SubnetLength),
        "SUBNETMIN" => Address(name, value, ref SubnetMin),
        "SUBNETMAX" => Address(name, value, ref SubnetMax),
        "IPV6SUBNETMIN" => Address(name, value, ref Ipv6SubnetMin),
        "IPV6SUBNETMAX" => Address(name, value, ref Ipv6SubnetMax),
        _ => null,
    };

    private string? TakeBackend(string name, JsonElement value)
    {
        (BackendType, Backend) = ("", default);
        if (value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.Object) return $"{name} is {JsonWords.Kind(value)}, and must be an object with a Type";
        foreach (var property in value.EnumerateObject())
        {
            if (!property.Name.Equals("Type", StringComparison.OrdinalIgnoreCase)) continue;
            if (property.Value.ValueKind == JsonValueKind.Null) continue;
            if (property.Value.ValueKind != JsonValueKind.String)
                return $"{name}.Type is {JsonWords.Kind(property.Value)}, and must be a string such as \"ali-vpc\"";
            BackendType = property.Value.GetString()!;
        }

        Backend = value.Clone();
        return null;
    }

    private static string? Boolean(string name, JsonElement value, ref bool field)
    {
        field = value.ValueKind == JsonValueKind.True;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? null
            : $"{name} is {JsonWords.Quote(value)}, and must be true or false";
    }

    private static string? Number(string name, JsonElement value, ref uint field) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out field)
            ? null
            : $"{name} is {JsonWords.Quote(value)}, and must be a prefix length such as 24, without quotes";

    private static string? Prefix(string name, JsonElement value, ref Ipv4Network field) =>
        !Ipv4Network.TryParse(Text(value), '/', out field, out var hostBits)
            ? $"{name} is {JsonWords.Quote(value)}, and must be an IPv4 network such as \"10.24.0.0/16\""
            : hostBits ? HostBits(name, value, field.ToString()) : null;

    private static string? Prefix(string name, JsonElement value, ref Ipv6Network field) =>
        !Ipv6Network.TryParse(Text(value), '/', out field, out var hostBits)
            ? $"{name} is {JsonWords.Quote(value)}, and must be an IPv6 network such as \"fc00::/48\""
            : hostBits ? HostBits(name, value, field.ToString()) : null;

    private static string HostBits(string name, JsonElement value, string network) =>
        $"{name} is {JsonWords.Quote(value)}, which has bits beyond its length: write \"{network}\"";

    private static string? Address(string name, JsonElement value, ref Ipv4Address field) =>
        Ipv4Address.TryParse(Text(value), out field)
            ? null
            : $"{name} is {JsonWords.Quote(value)}, and must be an IPv4 address such as \"10.24.1.0\"";

    private static string? Address(string name, JsonElement value, ref UInt128 field) =>
        Ipv6Network.TryParseAddress(Text(value), out field)
            ? null
            : $"{name} is {JsonWords.Quote(value)}, and must be an IPv6 address such as \"fc00:0:0:1::\"";

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
