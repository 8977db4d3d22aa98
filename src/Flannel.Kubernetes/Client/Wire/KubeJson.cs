using System.Text.Json.Serialization;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>The objects on the wire. Unknown properties are ignored when read, and nulls are not written, except as a value in a
/// map.</summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NodeDocument))]
[JsonSerializable(typeof(NodeListDocument))]
[JsonSerializable(typeof(NodePatchDocument))]
[JsonSerializable(typeof(LeaseDocument))]
[JsonSerializable(typeof(EventDocument))]
[JsonSerializable(typeof(PodDocument))]
[JsonSerializable(typeof(AccessReviewDocument))]
[JsonSerializable(typeof(VersionDocument))]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(WatchTypeDocument))]
[JsonSerializable(typeof(WatchNodeDocument))]
[JsonSerializable(typeof(WatchErrorDocument))]
internal sealed partial class KubeJson : JsonSerializerContext;
