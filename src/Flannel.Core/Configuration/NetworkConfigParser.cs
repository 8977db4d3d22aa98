using System.Text.Json;

namespace Flannel.Core.Configuration;

/// <summary>Parses and checks the network configuration as upstream does (<c>pkg/subnet/config.go</c>): names match in any case, unknown
/// properties are ignored, the last of two equal names wins, the host bits of a network are cleared. Stricter than upstream: every string
/// must be valid Unicode. More lenient: <c>null</c> means "not given" for every property, and a byte order mark is skipped.</summary>
public static class NetworkConfigParser
{
    private const int MaxBytes = 1 << 20;

    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];
    private static readonly byte[] Utf16LittleEndian = [0xFF, 0xFE];
    private static readonly byte[] Utf16BigEndian = [0xFE, 0xFF];

    /// <returns>The error names the property and says what it must be. It never quotes a value of the backend, which may be a
    /// secret.</returns>
    public static Result<NetworkConfig> Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes) return Result.Failure($"larger than {MaxBytes} bytes");
        if (utf8.StartsWith(Utf16LittleEndian) || utf8.StartsWith(Utf16BigEndian))
            return Result.Failure("it is UTF-16, and must be UTF-8");
        var fields = new NetworkConfigFields();
        if (utf8.StartsWith(ByteOrderMark))
        {
            utf8 = utf8[ByteOrderMark.Length..];
            fields.Warnings.Add("it begins with a byte order mark, which nodes of upstream flannel reject: save it as UTF-8 without BOM");
        }

        try
        {
            CheckStrings(utf8);
            using var document = JsonDocument.Parse(utf8.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return Result.Failure($"it is {JsonDescription.Kind(document.RootElement)}, and must be a JSON object");
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (fields.Add(property.Name, property.Value) is { } failure) return failure;
            }
        }
        catch (JsonException e)
        {
            // Line and column only: the decoder's own message may quote the text, which may contain a secret.
            return Result.Failure($"not valid JSON at line {e.LineNumber + 1 ?? 1}, byte {e.BytePositionInLine + 1 ?? 1}");
        }
        catch (InvalidOperationException)
        {
            return Result.Failure("not valid JSON: a string is not valid Unicode");
        }

        return NetworkConfigCheck.Check(fields);
    }

    /// <summary>A <see cref="JsonDocument"/> decodes a string on access, and throws then. This check throws here, and not where the backend
    /// reads its part of the configuration.</summary>
    private static void CheckStrings(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) reader.GetString();
        }
    }
}
