using System.Text.Json.Serialization;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Ecs;

/// <summary>The response of DescribeNetworkInterfaces, as far as it is read.</summary>
internal sealed record InterfaceListResponse : CloudResponse
{
    public string? NextToken { get; init; }
    public InterfaceSet? NetworkInterfaceSets { get; init; }

    internal sealed record InterfaceSet(IReadOnlyList<Interface?>? NetworkInterfaceSet);

    internal sealed record Interface
    {
        public string? NetworkInterfaceId { get; init; }
        public bool? SourceDestCheck { get; init; }
    }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(InterfaceListResponse))]
internal sealed partial class EcsJson : JsonSerializerContext;
