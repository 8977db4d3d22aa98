using System.Text.Json;
using Flanneld.Options;

namespace Flanneld.Commands.Output;

/// <summary>What a command prints, for people or for programs. The schema is documented in <c>docs/reference/output.md</c>: within one
/// <see cref="ApiVersion"/> a field is never removed and never changes its meaning; fields may be added.</summary>
/// <param name="Kind">The kind of document, such as <c>LeaseList</c>.</param>
/// <param name="WriteFields">Writes the rest of the document, which is one object.</param>
/// <param name="ToTable">The text for people; true for the wide one.</param>
internal sealed record CommandDocument(string Kind, Action<Utf8JsonWriter> WriteFields, Func<bool, string> ToTable)
{
    public const string ApiVersion = "flanneld/v1";

    /// <summary>With a final line feed.</summary>
    public string Format(OutputFormat format) => format switch
    {
        OutputFormat.Json => ToJson() + "\n",
        OutputFormat.Yaml => YamlText.Of(ToJson()),
        _ => ToTable(format == OutputFormat.Wide),
    };

    private string ToJson() => JsonText.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", ApiVersion);
        json.WriteString("kind", Kind);
        WriteFields(json);
        json.WriteEndObject();
    });
}
