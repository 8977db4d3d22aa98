using System.Text.Json;
using System.Text.Json.Serialization;

namespace Flannel.RouteController.Observation;

/// <summary>The stored form of <see cref="AbsentLeaseTracker"/>, which the next term reads.</summary>
/// <param name="WrittenAt">UTC, by the writer's clock.</param>
/// <param name="Routes">Seconds of absence by entry and next hop.</param>
internal sealed record AbsenceDocument(string? Cluster, DateTimeOffset WrittenAt, Dictionary<string, long>? Routes)
{
    /// <summary>Null if the value is missing or not such a document.</summary>
    public static AbsenceDocument? Parse(byte[]? document)
    {
        if (document is null) return null;
        try
        {
            return JsonSerializer.Deserialize(document, AbsenceDocumentJson.Default.AbsenceDocument);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, AbsenceDocumentJson.Default.AbsenceDocument);
}

[JsonSerializable(typeof(AbsenceDocument))]
internal sealed partial class AbsenceDocumentJson : JsonSerializerContext;
