using System.Text.Json.Serialization;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Sts;

/// <summary>A temporary key: a part of STS's response, or the whole response of the metadata service (with a code) and of a credentials
/// URI. A record would print the key.</summary>
internal sealed class AccessKeyResponse
{
    public string? Code { get; init; }
    public string? AccessKeyId { get; init; }
    public string? AccessKeySecret { get; init; }
    public string? SecurityToken { get; init; }
    public DateTimeOffset? Expiration { get; init; }
}

/// <summary>The response of AssumeRole and AssumeRoleWithOIDC.</summary>
internal sealed record AssumedRoleResponse : CloudResponse
{
    public AccessKeyResponse? Credentials { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(AccessKeyResponse))]
[JsonSerializable(typeof(AssumedRoleResponse))]
internal sealed partial class StsJson : JsonSerializerContext;
