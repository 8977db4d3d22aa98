using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>One flat JSON object per line (docs/reference/logs.md). The names of the message's values begin with a lower-case letter, as
/// those of the commands' output do.</summary>
internal sealed class JsonLineFormatter(TimeProvider time) : LineFormatter
{
    /// <summary>The names that every line may have. A value with one of them, or with the name of an earlier value, gets
    /// <see cref="Suffix"/>.</summary>
    internal static readonly string[] FixedNames = ["time", "level", "msg", "event", "category", "repeated", "error"];

    private const string Suffix = "Field";
    private const string TemplateName = "{OriginalFormat}";

    /// <summary>JSON numbers are exact in every reader up to this one (RFC 8259, section 6).</summary>
    private const long LargestExactNumber = (1L << 53) - 1;

    private static readonly JsonWriterOptions Options = new()
    {
        // The log is not embedded in HTML; quotation marks and arrows stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public override string Format(LogLine line)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("time", TextLineFormatter.TimestampOf(time));
            json.WriteString("level", NameOf(line.Level));
            WriteText(json, "msg", line.Text);
            WriteText(json, "event", line.Name);
            WriteText(json, "category", line.Category);
            if (line.Repeats > 0) json.WriteNumber("repeated", line.Repeats);
            WriteFields(json, line.Fields);
            if (line.Exception is { } exception) WriteText(json, "error", exception.ToString());
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>Loki, Elastic and SLS know these names.</summary>
    internal static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };

    /// <summary>The name of a value in the message's template, such as <c>RequestId</c>, as the name of a field:
    /// <c>requestId</c>.</summary>
    internal static string FieldNameOf(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);

    private static void WriteFields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> fields)
    {
        HashSet<string> names = new(FixedNames, StringComparer.Ordinal);
        foreach (var (template, value) in fields)
        {
            if (template == TemplateName) continue;
            var name = FieldNameOf(template);
            while (!names.Add(name)) name += Suffix;
            WriteValue(json, name, value);
        }
    }

    private static void WriteValue(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool boolean: json.WriteBoolean(name, boolean); break;
            case int number: json.WriteNumber(name, number); break;
            case long number and >= -LargestExactNumber and <= LargestExactNumber: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            case IFormattable formattable: WriteText(json, name, formattable.ToString(null, CultureInfo.InvariantCulture)); break;
            default: WriteText(json, name, value.ToString() ?? ""); break;
        }
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text) => json.WriteString(name, ToValid(text));

    /// <summary>Replaces halves of surrogate pairs, which no UTF-8 text can have.</summary>
    private static string ToValid(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (char.IsSurrogatePair(text, i)) i++;
            else return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        }

        return text;
    }
}
