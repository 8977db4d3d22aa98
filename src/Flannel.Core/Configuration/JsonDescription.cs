using System.Text.Json;

namespace Flannel.Core.Configuration;

/// <summary>Describes a wrong JSON value in a message.</summary>
internal static class JsonDescription
{
    private const int LongestQuote = 60;

    /// <summary>The kind of the value, without its content.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };

    /// <summary>The value on one line, shortened. Never the content of an object or array, which may be a misplaced backend with a
    /// secret.</summary>
    public static string Quote(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) return Kind(value);
        var raw = value.GetRawText().ReplaceLineEndings(" ");
        return raw.Length <= LongestQuote ? raw : string.Concat(raw.AsSpan(0, LongestQuote - 3), "...");
    }
}
