using System.Text.Json;

namespace Flannel.Core.Configuration;

/// <summary>What became of the text at <c>{prefix}/config</c>: a configuration, or one line that says what is wrong with it.</summary>
/// <param name="Config">Null when the text is refused.</param>
/// <param name="Error">Names the property and what it should be; never quotes the backend's values, which may be secrets.</param>
public readonly record struct NetworkConfigResult(NetworkConfig? Config, string Error)
{
    internal static NetworkConfigResult Refused(string error) => new(null, error);
}

/// <summary>Reads and checks the network configuration as upstream does (<c>pkg/subnet/config.go</c>): names match in any case,
/// unknown properties are ignored, the last of two equal names wins, the host bits of a network are cleared. Stricter than upstream in that
/// a string is valid Unicode; more lenient in that <c>null</c> is "not given" for every property, and in that a byte order mark is passed
/// over.</summary>
public static class NetworkConfigParser
{
    private const int MaxBytes = 1 << 20;

    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];
    private static readonly byte[] Utf16LittleEndian = [0xFF, 0xFE];
    private static readonly byte[] Utf16BigEndian = [0xFE, 0xFF];

    public static NetworkConfigResult Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes) return NetworkConfigResult.Refused($"larger than {MaxBytes} bytes");
        if (utf8.StartsWith(Utf16LittleEndian) || utf8.StartsWith(Utf16BigEndian)) return NetworkConfigResult.Refused(
            "it is UTF-16, and must be UTF-8");
        var fields = new NetworkConfigFields();
        if (utf8.StartsWith(ByteOrderMark))
        {
            utf8 = utf8[ByteOrderMark.Length..];
            fields.Warnings.Add("it begins with a byte order mark, which nodes of upstream flannel refuse: save it as UTF-8 without BOM");
        }

        try
        {
            ReadEveryString(utf8);
            using var document = JsonDocument.Parse(utf8.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return NetworkConfigResult.Refused($"it is {JsonDescription.Kind(document.RootElement)}, and must be a JSON object");
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

    /// <summary>A document decodes a string only when somebody asks for it, and throws then. Asked for here, it throws here, and not
    /// where the backend reads its part of the configuration.</summary>
    private static void ReadEveryString(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) reader.GetString();
        }
    }
}
