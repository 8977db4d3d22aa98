using System.Text.Json;
using Flanneld.Options;

namespace Flanneld.Commands.Output;

/// <summary>What a command prints, for people or for programs. The schema is documented in <c>docs/reference/output.md</c>: within one
/// <see cref="ApiVersion"/> a field is never removed and never changes its meaning; fields may be added.</summary>
/// <param name="Kind">The kind of document, such as <c>LeaseList</c>.</param>
/// <param name="WriteFields">Writes the rest of the document, which is one object.</param>
/// <param name="ToTable">The text for people, in which states have their <see cref="TextColor"/>; true for the wide one.</param>
internal sealed record CommandDocument(string Kind, Action<Utf8JsonWriter> WriteFields, Func<bool, string> ToTable)
{
    public const string ApiVersion = "flanneld/v1";

    /// <summary>Prints it to stdout as the options say.</summary>
    public Task PrintAsync(DaemonOptions options) =>
        Console.Out.WriteAsync(Format(options.Output, TextColor.IsEnabled(options.Color)));

    /// <summary>With a final line feed.</summary>
    /// <param name="isColored">Whether states of a table have colors.</param>
    public string Format(OutputFormat format, bool isColored = false)
    {
        switch (format)
        {
            case OutputFormat.Json:
                return JsonText.Compose(Write) + "\n";
            case OutputFormat.Yaml:
                return YamlText.Of(JsonText.Compose(Write));
            default:
                var table = ToTable(format == OutputFormat.Wide);
                return isColored ? table : TextColor.Remove(table);
        }
    }

    /// <summary>The JSON on one line, without a final line feed.</summary>
    public string ToJsonLine() => JsonText.Compose(JsonText.OneLine, Write);

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", ApiVersion);
        json.WriteString("kind", Kind);
        WriteFields(json);
        json.WriteEndObject();
    }
}
