using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Flanneld.Commands.Output;

/// <summary>Writes a JSON document as YAML 1.2. A text is quoted as in JSON, of which YAML is a superset, unless it is certainly a plain
/// scalar. Pure.</summary>
internal static class YamlText
{
    private const int Indent = 2;

    /// <summary>A network configuration may have 64 levels, and stands inside a document.</summary>
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 128 };

    /// <summary>Words of YAML 1.1 and 1.2 that are a boolean or null.</summary>
    private static readonly string[] ReservedWords = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

    /// <param name="json">A valid document.</param>
    /// <returns>With a final line feed.</returns>
    public static string Of(string json)
    {
        using var document = JsonDocument.Parse(json, Deep);
        var text = new StringBuilder();
        Append(text, document.RootElement, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonElement element, int depth)
    {
        if (element.ValueKind == JsonValueKind.Object) AppendFields(text, element, depth);
        else if (element.ValueKind == JsonValueKind.Array) AppendItems(text, element, depth);
        else text.Append(' ', depth).Append(Scalar(element)).Append('\n');
    }

    private static void AppendFields(StringBuilder text, JsonElement fields, int depth)
    {
        foreach (var field in fields.EnumerateObject())
        {
            text.Append(' ', depth).Append(Plain(field.Name)).Append(':');
            if (IsNested(field.Value))
            {
                text.Append('\n');
                Append(text, field.Value, depth + Indent);
            }
            else
            {
                text.Append(' ').Append(Scalar(field.Value)).Append('\n');
            }
        }
    }

    private static void AppendItems(StringBuilder text, JsonElement items, int depth)
    {
        foreach (var item in items.EnumerateArray())
        {
            if (!IsNested(item))
            {
                text.Append(' ', depth).Append("- ").Append(Scalar(item)).Append('\n');
                continue;
            }

            // The dash replaces a blank of the first line.
            var inner = new StringBuilder();
            Append(inner, item, depth + Indent);
            inner[depth] = '-';
            text.Append(inner);
        }
    }

    /// <summary>Whether it stands on lines of its own.</summary>
    private static bool IsNested(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().Any(),
        JsonValueKind.Array => element.GetArrayLength() > 0,
        _ => false,
    };

    /// <summary>An empty object or list, and a number, boolean or null, are written as in JSON.</summary>
    private static string Scalar(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "{}",
        JsonValueKind.Array => "[]",
        JsonValueKind.String => Plain(element.GetString()!),
        _ => element.GetRawText(),
    };

    /// <summary>The text itself if it is of letters, digits and a few signs, begins with a letter and is no reserved word; else in
    /// JSON.</summary>
    private static string Plain(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/')
            && !ReservedWords.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? text
            : Quote(text);

    /// <summary>As in JSON, but for characters that JSON writes as two halves: parsers of YAML reject half a character.</summary>
    private static string Quote(string text)
    {
        if (!text.Any(char.IsSurrogate)) return JsonText.Quote(text);
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsBmp) quoted.Append(JsonText.Quote(rune.ToString()).AsSpan(1..^1));
            else quoted.Append("\\U").Append(rune.Value.ToString("X8", CultureInfo.InvariantCulture));
        }

        return quoted.Append('"').ToString();
    }
}
