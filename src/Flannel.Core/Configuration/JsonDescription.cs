using System.Text.Json;

namespace Flannel.Core.Configuration;

/// <summary>How a message speaks of a JSON value that is not what it should be.</summary>
internal static class JsonDescription
{
    private const int LongestQuote = 60;

    /// <summary>What it is, without what it says.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };

    /// <summary>The value on one line, shortened. Never the inside of an object or array: a backend that slipped to the wrong place
    /// may be in it.</summary>
    public static string Quote(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) return Kind(value);
        var raw = value.GetRawText().ReplaceLineEndings(" ");
        return raw.Length <= LongestQuote ? raw : string.Concat(raw.AsSpan(0, LongestQuote - 3), "...");
    }
}
