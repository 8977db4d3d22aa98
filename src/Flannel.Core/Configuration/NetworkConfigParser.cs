using System.Text.Json;
using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>What became of the text at <c>{prefix}/config</c>: a configuration, or one line that says what is wrong with it.</summary>
/// <param name="Config">Null when the text is refused.</param>
/// <param name="Error">Names the property and what it should be; never quotes the backend's values, which may be secrets.</param>
public readonly record struct NetworkConfigResult(NetworkConfig? Config, string Error)
{
    internal static NetworkConfigResult Refused(string error) => new(null, error);
}

/// <summary>Reads and checks the network configuration as upstream does (<c>pkg/subnet/config.go</c>): names match in any case,
/// unknown properties are ignored, <c>null</c> is "not given", the last of two equal names wins. Stricter than upstream in one thing:
/// an address has no leading zeros and a network no host bits.</summary>
public static class NetworkConfigParser
{
    private const int MaxBytes = 1 << 20;

    public static NetworkConfigResult Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes) return NetworkConfigResult.Refused($"larger than {MaxBytes} bytes");
        var fields = new Fields();
        try
        {
            using var document = JsonDocument.Parse(utf8.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return NetworkConfigResult.Refused($"it is {Describe(document.RootElement)}, and must be a JSON object");
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (fields.Take(property.Name, property.Value) is { } error) return NetworkConfigResult.Refused(error);
            }
        }
        catch (JsonException e)
        {
            // Line and column only: the decoder's own message may quote the text, and the text may hold a secret.
            return NetworkConfigResult.Refused(
                $"not valid JSON at line {e.LineNumber + 1 ?? 1}, byte {e.BytePositionInLine + 1 ?? 1}");
        }
        catch (InvalidOperationException)
        {
            return NetworkConfigResult.Refused("not valid JSON: a string is not valid Unicode");
        }

        return NetworkConfigCheck.Check(fields);
    }

    private static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        JsonValueKind.Object => "an object",
        _ => "a boolean",
    };

    /// <summary>The properties as they were given, before any default.</summary>
    internal sealed class Fields
    {
        public bool EnableIpv4 { get; private set; } = true;
        public bool EnableIpv6 { get; private set; }
        public Ipv4Network? Network { get; private set; }
        public Ipv6Network? Ipv6Network { get; private set; }
        public uint SubnetLength { get; private set; }
        public uint Ipv6SubnetLength { get; private set; }
        public Ipv4Address SubnetMin { get; private set; }
        public Ipv4Address SubnetMax { get; private set; }
        public UInt128 Ipv6SubnetMin { get; private set; }
        public UInt128 Ipv6SubnetMax { get; private set; }
        public JsonElement Backend { get; private set; }
        public string BackendType { get; private set; } = "udp";

        /// <summary>Null, or what is wrong with this property.</summary>
        public string? Take(string name, JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.Null && !name.Equals("Backend", StringComparison.OrdinalIgnoreCase)) return null;
            switch (name.ToUpperInvariant())
            {
                case "ENABLEIPV4": return Boolean(name, value, out var v4) ?? Set(() => EnableIpv4 = v4);
                case "ENABLEIPV6": return Boolean(name, value, out var v6) ?? Set(() => EnableIpv6 = v6);
                case "NETWORK": return TakeNetwork(name, value);
                case "IPV6NETWORK": return TakeIpv6Network(name, value);
                case "SUBNETLEN": return Number(name, value, out var len) ?? Set(() => SubnetLength = len);
                case "IPV6SUBNETLEN": return Number(name, value, out var len6) ?? Set(() => Ipv6SubnetLength = len6);
                case "SUBNETMIN": return Address(name, value, out var min) ?? Set(() => SubnetMin = min);
                case "SUBNETMAX": return Address(name, value, out var max) ?? Set(() => SubnetMax = max);
                case "IPV6SUBNETMIN": return Address6(name, value, out var min6) ?? Set(() => Ipv6SubnetMin = min6);
                case "IPV6SUBNETMAX": return Address6(name, value, out var max6) ?? Set(() => Ipv6SubnetMax = max6);
                case "BACKEND": return TakeBackend(name, value);
                default: return null;
            }
        }

        private static string? Set(Action assign)
        {
            assign();
            return null;
        }

        private string? TakeNetwork(string name, JsonElement value)
        {
            if (Text(value) is not { } text || !Ipv4Network.TryParse(text, '/', out var network, out var hostBits))
                return $"{name} is {Quote(value)}, and must be an IPv4 network such as \"10.24.0.0/16\"";
            if (hostBits) return $"{name} {text} has bits beyond its length; write {network}";
            Network = network;
            return null;
        }

        private string? TakeIpv6Network(string name, JsonElement value)
        {
            if (Text(value) is not { } text || !Addresses.Ipv6Network.TryParse(text, '/', out var network, out var hostBits))
                return $"{name} is {Quote(value)}, and must be an IPv6 network such as \"fc00::/48\"";
            if (hostBits) return $"{name} {text} has bits beyond its length; write {network}";
            Ipv6Network = network;
            return null;
        }

        private string? TakeBackend(string name, JsonElement value)
        {
            // Upstream decodes null into an empty type, and an absent Backend into "udp".
            BackendType = "";
            if (value.ValueKind == JsonValueKind.Null) return null;
            if (value.ValueKind != JsonValueKind.Object) return $"{name} is {Describe(value)}, and must be an object with a Type";
            foreach (var property in value.EnumerateObject())
            {
                if (!property.Name.Equals("Type", StringComparison.OrdinalIgnoreCase)) continue;
                if (property.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                    return $"{name}.Type is {Describe(property.Value)}, and must be a string such as \"ali-vpc\"";
                BackendType = property.Value.GetString() ?? "";
            }

            Backend = value.Clone();
            return null;
        }

        private static string? Boolean(string name, JsonElement value, out bool result)
        {
            result = value.ValueKind == JsonValueKind.True;
            return value.ValueKind is JsonValueKind.True or JsonValueKind.False
                ? null
                : $"{name} is {Quote(value)}, and must be true or false";
        }

        private static string? Number(string name, JsonElement value, out uint result)
        {
            result = 0;
            return value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out result)
                ? null
                : $"{name} is {Quote(value)}, and must be a prefix length such as 24, without quotes";
        }

        private static string? Address(string name, JsonElement value, out Ipv4Address result)
        {
            result = default;
            return Text(value) is { } text && Ipv4Address.TryParse(text, out result)
                ? null
                : $"{name} is {Quote(value)}, and must be an IPv4 address such as \"10.24.1.0\"";
        }

        private static string? Address6(string name, JsonElement value, out UInt128 result)
        {
            result = default;
            return Text(value) is { } text && Addresses.Ipv6Network.TryParseAddress(text, out result)
                ? null
                : $"{name} is {Quote(value)}, and must be an IPv6 address";
        }

        private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        private static string Quote(JsonElement value)
        {
            var raw = value.GetRawText();
            return raw.Length <= 60 ? raw.ReplaceLineEndings(" ") : string.Concat(raw.AsSpan(0, 57).ToString().ReplaceLineEndings(" "), "...");
        }
    }
}
