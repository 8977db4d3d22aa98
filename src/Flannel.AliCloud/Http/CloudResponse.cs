using System.Text.Json.Serialization;

namespace Flannel.AliCloud.Http;

/// <summary>A response of the API, as far as it is read. The request id is in every response of the API; without it, something else
/// answered.</summary>
/// <remarks>Derived records are tolerant: they ignore unknown properties, and all properties are optional. The caller checks what it needs:
/// an empty object is not a success.</remarks>
internal record CloudResponse
{
    public string? RequestId { get; init; }
}

internal sealed record ErrorResponse : CloudResponse
{
    public string? Code { get; init; }
    public string? Message { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(CloudResponse))]
[JsonSerializable(typeof(ErrorResponse))]
internal sealed partial class HttpJson : JsonSerializerContext;
