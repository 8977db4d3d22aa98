using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Quotas;

/// <summary>The response of GetProductQuota, as far as it is read.</summary>
internal sealed record QuotaResponse : CloudResponse
{
    public ProductQuota? Quota { get; init; }

    /// <param name="TotalQuota">The API's type is a float.</param>
    internal sealed record ProductQuota(string? QuotaActionCode, [property: JsonConverter(typeof(WholeNumberConverter))] int? TotalQuota);

    /// <summary>Reads the whole part of a number; null for other values. A property of type double would link its JSON converter into the
    /// executable.</summary>
    internal sealed class WholeNumberConverter : JsonConverter<int?>
    {
        public override int? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out var number)) return null;
            return number is > int.MinValue and < int.MaxValue ? (int)number : null;
        }

        public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(QuotaResponse))]
internal sealed partial class QuotasJson : JsonSerializerContext;
