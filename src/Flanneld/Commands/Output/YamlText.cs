using System.Text;
using System.Text.Json.Nodes;

namespace Flanneld.Commands.Output;

/// <summary>Writes a JSON document as YAML 1.2. A text is quoted as in JSON, of which YAML is a superset, unless it is certainly a plain
/// scalar. Pure.</summary>
internal static class YamlText
{
    private const int Indent = 2;

    /// <summary>Words of YAML 1.1 and 1.2 that are a boolean or null.</summary>
    private static readonly string[] ReservedWords = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

    /// <summary>With a final line feed.</summary>
    public static string Of(JsonNode document)
    {
        var text = new StringBuilder();
        Append(text, document, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonNode node, int depth)
    {
        if (node is JsonObject fields) AppendFields(text, fields, depth);
        else if (node is JsonArray items) AppendItems(text, items, depth);
        else text.Append(' ', depth).Append(Scalar(node)).Append('\n');
    }

    private static void AppendFields(StringBuilder text, JsonObject fields, int depth)
    {
        foreach (var (name, value) in fields)
        {
            text.Append(' ', depth).Append(Plain(name)).Append(':');
            AppendValue(text, value, depth);
        }
    }

    private static void AppendItems(StringBuilder text, JsonArray items, int depth)
    {
        foreach (var item in items)
        {
            if (item is not (JsonObject { Count: > 0 } or JsonArray { Count: > 0 }))
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

    private static void AppendValue(StringBuilder text, JsonNode? value, int depth)
    {
        if (value is JsonObject { Count: > 0 } or JsonArray { Count: > 0 })
        {
            text.Append('\n');
            Append(text, value, depth + Indent);
        }
        else
        {
            text.Append(' ').Append(Scalar(value)).Append('\n');
        }
    }

    private static string Scalar(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "{}",
        JsonArray => "[]",
        JsonValue value when value.TryGetValue<string>(out var text) => Plain(text),
        _ => node.ToJsonString(),
    };

    /// <summary>The text itself if it is of letters, digits and a few signs, begins with a letter and is no reserved word; else in
    /// JSON.</summary>
    private static string Plain(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/')
            && !ReservedWords.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? text
            : JsonValue.Create(text).ToJsonString(CommandDocument.Json);
}
