using System.Text.Encodings.Web;
using System.Text.Json;
using Flannel.Core;
using Flanneld.Commands.Output;

namespace Flanneld.Commands.Config;

/// <summary>Writes a network configuration without its secrets. Pure.</summary>
internal static class ConfigJson
{
    private static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The value as it was written; the value of a secret property, in whatever case its name is, is <c>***</c>.</summary>
    /// <param name="isShown">False to write the secrets, for a comparison.</param>
    public static void Write(Utf8JsonWriter json, JsonElement value, bool isShown = true)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    json.WritePropertyName(property.Name);
                    if (isShown && IsSecret(property)) json.WriteStringValue(Redaction.Mask);
                    else Write(json, property.Value, isShown);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Write(json, item, isShown);
                json.WriteEndArray();
                break;
            case JsonValueKind.String when isShown && value.GetString() is { } text && MayHoldPassword(text):
                json.WriteStringValue(Redaction.Endpoints(text));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    /// <summary>The value on one line, without line feed.</summary>
    /// <param name="isShown">False to write the secrets, for a comparison.</param>
    public static string ToLine(JsonElement value, bool isShown) => JsonText.Compose(OneLine, json => Write(json, value, isShown));

    /// <summary>Whether the property has a value that is not shown.</summary>
    public static bool IsSecret(JsonProperty property) =>
        SecretName.Matches(property.Name)
        && property.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False);

    private static bool MayHoldPassword(string text) => text.Contains("://", StringComparison.Ordinal) && text.Contains('@');
}
