using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Flannel.Core.Routes;

/// <summary>Identifies one cluster: a random number that is created once and stored with the leases. Two clusters with equal settings have
/// different ids; a restored backup has the id of its cluster.</summary>
public sealed record ClusterId
{
    /// <summary>64 bits: two clusters of one VPC do not collide.</summary>
    private const int HexDigits = 16;

    private ClusterId(string value) => Value = value;

    /// <summary>16 lower-case hexadecimal digits.</summary>
    public string Value { get; }

    /// <summary>Not from an injected random generator: two clusters must differ even if their generators have the same seed.</summary>
    public static ClusterId New() => new(RandomNumberGenerator.GetHexString(HexDigits, lowercase: true));

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out ClusterId? id)
    {
        id = null;
        if (text.Length != HexDigits) return false;
        foreach (var digit in text)
        {
            if (!char.IsAsciiHexDigitLower(digit)) return false;
        }

        id = new ClusterId(text.ToString());
        return true;
    }

    /// <summary>Null if the value was not written by this program.</summary>
    public static ClusterId? ParseJson(ReadOnlySpan<byte> json)
    {
        try
        {
            return TryParse(JsonSerializer.Deserialize(json, ClusterIdJson.Default.ClusterIdDocument)?.Id, out var id) ? id : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(new ClusterIdDocument(Value), ClusterIdJson.Default.ClusterIdDocument);

    public override string ToString() => Value;
}

/// <param name="Id">Null in a document of another program.</param>
internal sealed record ClusterIdDocument(string? Id);

[JsonSerializable(typeof(ClusterIdDocument))]
internal sealed partial class ClusterIdJson : JsonSerializerContext;
