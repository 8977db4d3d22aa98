using System.Text.Json.Serialization;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>The <c>metadata</c> of an object, as far as it is used. All properties are optional: the API server omits what is
/// empty.</summary>
internal sealed class ObjectMeta
{
    public string? Name { get; init; }

    public string? Namespace { get; init; }

    public string? Uid { get; init; }

    public string? ResourceVersion { get; init; }

    public string? CreationTimestamp { get; init; }

    public string? DeletionTimestamp { get; init; }

    public Dictionary<string, string?>? Labels { get; init; }

    public Dictionary<string, string?>? Annotations { get; init; }

    /// <summary>A map of the API may be missing, and may have null as a value.</summary>
    public static IReadOnlyDictionary<string, string> Map(Dictionary<string, string?>? map)
    {
        var copy = new Dictionary<string, string>(map?.Count ?? 0, StringComparer.Ordinal);
        foreach (var (key, value) in map ?? []) copy[key] = value ?? "";
        return copy;
    }

    /// <returns>Null for an empty map, which is not sent.</returns>
    public static Dictionary<string, string?>? Map(IReadOnlyDictionary<string, string> map) =>
        map.Count == 0 ? null : map.ToDictionary(pair => pair.Key, string? (pair) => pair.Value, StringComparer.Ordinal);
}

/// <summary>The <c>metadata</c> of a list.</summary>
internal sealed class ListMeta
{
    public string? ResourceVersion { get; init; }

    /// <summary>The token of the next page; null or empty on the last one.</summary>
    [JsonPropertyName("continue")]
    public string? ContinueToken { get; init; }
}
