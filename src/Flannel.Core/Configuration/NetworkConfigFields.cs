using System.Text.Json;
using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>The properties of the network configuration as they are given, before any default.</summary>
internal sealed class NetworkConfigFields
{
    public bool EnableIpv4 = true;
    public bool EnableIpv6;
    public bool? EnableNfTables;
    public Ipv4Network Network;
    public Ipv6Network Ipv6Network;
    public uint SubnetLength;
    public uint Ipv6SubnetLength;
    public Ipv4Address SubnetMin;
    public Ipv4Address SubnetMax;
    public UInt128 Ipv6SubnetMin;
    public UInt128 Ipv6SubnetMax;
    public JsonElement Backend;
    public string BackendType = FlannelContract.DefaultBackend;

    /// <summary><see cref="Network"/> was given with length 0. Its value is then the same as if it was not given.</summary>
    public bool HasZeroLengthNetwork;

    /// <summary>The same for <see cref="Ipv6Network"/>.</summary>
    public bool HasZeroLengthIpv6Network;

    /// <summary>Accepted properties that are probably mistakes, one line each.</summary>
    public readonly List<string> Warnings = [];

    /// <summary>Stores one property, and the warning about its name.</summary>
    /// <returns>Null if the property is valid.</returns>
    public Failure? Add(string name, JsonElement value)
    {
        if (Set(name, value) is { } failure) return failure;
        if (NetworkConfigKeys.Warning(name) is { } warning) Warnings.Add(warning);
        return null;
    }

    private Failure? Set(string name, JsonElement value) => name.ToUpperInvariant() switch
    {
        // Unlike the others: upstream decodes null into an empty type, and an absent Backend into its default.
        "BACKEND" => SetBackend(name, value),
        _ when value.ValueKind == JsonValueKind.Null => null,
        "ENABLEIPV4" => Boolean(name, value, ref EnableIpv4),
        "ENABLEIPV6" => Boolean(name, value, ref EnableIpv6),
        "ENABLENFTABLES" => NfTables(name, value),
        "NETWORK" => Prefix(name, value),
        "IPV6NETWORK" => Ipv6Prefix(name, value),
        "SUBNETLEN" => Number(name, value, ref SubnetLength),
        "IPV6SUBNETLEN" => Number(name, value, ref Ipv6SubnetLength),
        "SUBNETMIN" => Address(name, value, ref SubnetMin),
        "SUBNETMAX" => Address(name, value, ref SubnetMax),
        "IPV6SUBNETMIN" => Address(name, value, ref Ipv6SubnetMin),
        "IPV6SUBNETMAX" => Address(name, value, ref Ipv6SubnetMax),
        _ => null,
    };

    private Failure? SetBackend(string name, JsonElement value)
    {
        (BackendType, Backend) = ("", default);
        if (value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.Object)
            return new Failure($"{name} is {JsonDescription.Kind(value)}, and must be an object with a Type");
        foreach (var property in value.EnumerateObject())
        {
            if (NetworkConfigKeys.WarningInBackend(name, property.Name) is { } warning) Warnings.Add(warning);
            if (!property.Name.Equals("Type", StringComparison.OrdinalIgnoreCase)) continue;
            if (property.Value.ValueKind == JsonValueKind.Null) continue;
            if (property.Value.ValueKind != JsonValueKind.String)
                return new Failure($"{name}.Type is {JsonDescription.Kind(property.Value)}, and must be a string such as \"ali-vpc\"");
            // Upstream looks up its backends by the name in lower case (pkg/backend/manager.go).
            BackendType = property.Value.GetString()!.ToLowerInvariant();
        }

        Backend = value.Clone();
        return null;
    }

    private static Failure? Boolean(string name, JsonElement value, ref bool field)
    {
        field = value.ValueKind == JsonValueKind.True;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? null
            : new Failure($"{name} is {JsonDescription.Quote(value)}, and must be true or false");
    }

    private Failure? NfTables(string name, JsonElement value)
    {
        var enabled = false;
        var failure = Boolean(name, value, ref enabled);
        EnableNfTables = enabled;
        return failure;
    }

    private static Failure? Number(string name, JsonElement value, ref uint field) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out field)
            ? null
            : new Failure($"{name} is {JsonDescription.Quote(value)}, and must be a prefix length such as 24, without quotes");

    private Failure? Prefix(string name, JsonElement value)
    {
        if (!Ipv4Network.TryParse(Text(value), '/', out Network, out var hostBits))
            return new Failure($"{name} is {JsonDescription.Quote(value)}, and must be an IPv4 network such as \"10.24.0.0/16\"");
        if (hostBits) Warnings.Add(HostBits(name, value, Network.ToString()));
        HasZeroLengthNetwork = Network.Length == 0;
        return null;
    }

    private Failure? Ipv6Prefix(string name, JsonElement value)
    {
        if (!Addresses.Ipv6Network.TryParse(Text(value), '/', out Ipv6Network, out var hostBits))
            return new Failure($"{name} is {JsonDescription.Quote(value)}, and must be an IPv6 network such as \"fc00::/48\"");
        if (hostBits) Warnings.Add(HostBits(name, value, Ipv6Network.ToString()));
        HasZeroLengthIpv6Network = Ipv6Network.Length == 0;
        return null;
    }

    /// <summary>Go's decoder clears them (<c>net.ParseCIDR</c>).</summary>
    private static string HostBits(string name, JsonElement value, string network) =>
        $"{name} {JsonDescription.Quote(value)} has bits beyond its length, and is read as {network}";

    private static Failure? Address(string name, JsonElement value, ref Ipv4Address field) =>
        Ipv4Address.TryParse(Text(value), out field)
            ? null
            : new Failure($"{name} is {JsonDescription.Quote(value)}, and must be an IPv4 address such as \"10.24.1.0\"");

    private static Failure? Address(string name, JsonElement value, ref UInt128 field) =>
        Addresses.Ipv6Network.TryParseAddress(Text(value), out field)
            ? null
            : new Failure($"{name} is {JsonDescription.Quote(value)}, and must be an IPv6 address such as \"fc00:0:0:1::\"");

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
