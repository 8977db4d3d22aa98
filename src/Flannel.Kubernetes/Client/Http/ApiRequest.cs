using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>A request, before the address and the credentials are known.</summary>
/// <param name="Verb">As in RBAC.</param>
internal sealed record ApiRequest(string Verb, ApiResource Resource)
{
    public const string Get = "get";
    public const string List = "list";
    public const string Watch = "watch";
    public const string Create = "create";
    public const string Update = "update";
    public const string Patch = "patch";

    private const string Json = "application/json";
    private const string StrategicMergePatch = "application/strategic-merge-patch+json";

    /// <summary>Null for an object without a namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>Null for a list, and for a new object.</summary>
    public string? Name { get; init; }

    /// <summary>Such as <c>status</c>; null for none.</summary>
    public string? Subresource { get; init; }

    /// <summary>Parameters; a null is left out.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Query { get; init; } = [];

    /// <summary>Null for none.</summary>
    public byte[]? Body { get; init; }

    public TimeSpan Limit { get; init; } = KubeLimits.Request;

    public int MaxBytes { get; init; } = KubeLimits.Object;

    /// <summary>The name of a new object, for messages.</summary>
    public string? NewName { get; init; }

    public HttpMethod Method => Verb switch
    {
        Create => HttpMethod.Post,
        Update => HttpMethod.Put,
        Patch => HttpMethod.Patch,
        _ => HttpMethod.Get,
    };

    /// <summary>True if the API server stores something. It stores no review.</summary>
    public bool IsWrite => Verb is Create or Update or Patch && Resource != ApiResource.SelfSubjectAccessReviews;

    public string ContentType => Verb == Patch ? StrategicMergePatch : Json;

    /// <summary>As in RBAC, such as <c>nodes/status</c>.</summary>
    public string ResourceName => Subresource is null ? Resource.Name : $"{Resource.Name}/{Subresource}";

    /// <summary>For messages, such as <c>patch nodes/node-1/status</c>.</summary>
    public string DisplayName => string.Join(
        '/', new[] { $"{Verb} {Resource.Name}", Namespace, Name ?? NewName, Subresource }.Where(part => part is not null));

    public ApiRequest WithBody<T>(T body, JsonTypeInfo<T> type) => this with { Body = JsonSerializer.SerializeToUtf8Bytes(body, type) };

    /// <summary>The path and the query, to be appended to the server's address.</summary>
    public string PathAndQuery()
    {
        var path = Resource.Root + (Namespace is null ? "" : $"/namespaces/{Segment(Namespace)}") + $"/{Resource.Name}"
            + (Name is null ? "" : $"/{Segment(Name)}") + (Subresource is null ? "" : $"/{Subresource}");
        var query = string.Join('&', Query.Where(pair => pair.Value is not null)
            .Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    /// <summary>A dot segment, or an empty one, would be another path.</summary>
    private string Segment(string name) => name is "" or "." or ".."
        ? throw new KubeException(KubeErrorKind.Invalid, $"{Verb} {ResourceName}: \"{name}\" is not the name of an object")
        : Uri.EscapeDataString(name);
}
