using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Flanneld.Commands.Output;

/// <summary>Composes a JSON document for the output of a command.</summary>
internal static class JsonText
{
    /// <summary>Indented, with the characters of all languages as they are.</summary>
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Without a final line feed.</summary>
    public static string Compose(Action<Utf8JsonWriter> write) => Compose(Options, write);

    public static string Compose(JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, options)) write(json);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>A text in quotation marks.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
