using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Flanneld.Commands.Output;

/// <summary>Writes the objects, lists, texts, numbers and truth values of a JSON document as YAML 1.2. A text is quoted as in JSON, of which
/// YAML is a superset, unless it is certainly plain. Pure.</summary>
internal static class YamlText
{
    private const int Indent = 2;

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

            // The first field stands behind the dash.
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

    /// <summary>Words of letters, digits and a few signs that begin with a letter and have no meaning of their own; JSON otherwise.</summary>
    private static string Plain(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/')
            && text.ToLower(CultureInfo.InvariantCulture) is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n")
            ? text
            : JsonValue.Create(text).ToJsonString(CommandDocument.Json);
}
