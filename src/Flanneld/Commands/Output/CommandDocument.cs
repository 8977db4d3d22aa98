using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Flanneld.Options;

namespace Flanneld.Commands.Output;

/// <summary>What a command prints, for people or for programs. The schema is documented in <c>docs/reference/output.md</c>: within one
/// <see cref="ApiVersion"/> a field is never removed and never changes its meaning; fields may be added.</summary>
/// <param name="Kind">The kind of document, such as <c>LeaseList</c>.</param>
/// <param name="Fields">The rest of the document, in order.</param>
/// <param name="ToTable">The text for people; true for the wide one.</param>
internal sealed record CommandDocument(string Kind, JsonObject Fields, Func<bool, string> ToTable)
{
    public const string ApiVersion = "flanneld/v1";

    /// <summary>Indented, with the characters of all languages as they are.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = JsonTypeInfoResolver.Combine(),
    };

    /// <summary>With a final line feed.</summary>
    public string Format(OutputFormat format) => format switch
    {
        OutputFormat.Json => ToNode().ToJsonString(Json) + "\n",
        OutputFormat.Yaml => YamlText.Of(ToNode()),
        _ => ToTable(format == OutputFormat.Wide),
    };

    private JsonObject ToNode()
    {
        var document = new JsonObject { ["apiVersion"] = ApiVersion, ["kind"] = Kind };
        foreach (var (name, value) in Fields) document[name] = value?.DeepClone();
        return document;
    }
}
