using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Flannel.Testbed.Kubernetes;

/// <summary>A response of the API server.</summary>
/// <param name="Body">The object, or a Status with <c>reason</c> and <c>message</c>; null if it is no JSON.</param>
public sealed record KubeResponse(HttpStatusCode StatusCode, JsonNode? Body, string Text)
{
    /// <returns>The body.</returns>
    /// <exception cref="TestbedException">The request failed.</exception>
    public JsonNode EnsureSuccess() => (int)StatusCode is >= 200 and < 300 && Body is not null
        ? Body
        : throw new TestbedException($"kube-apiserver: {(int)StatusCode} {Text}");
}

/// <summary>Sends requests to the API server, independent of the client under test. Paths start at the root:
/// <c>/api/v1/nodes</c>.</summary>
public sealed class KubeClient : IDisposable
{
    /// <summary>The content type of a patch that merges lists by their keys, such as the conditions of a node by type.</summary>
    public const string StrategicMergePatch = "application/strategic-merge-patch+json";

    /// <summary>The content type of a patch in which null removes a field.</summary>
    public const string MergePatch = "application/merge-patch+json";

    private readonly HttpClient http;

    internal KubeClient(Uri endpoint, HttpMessageHandler handler, string? token)
    {
        http = new HttpClient(handler) { BaseAddress = endpoint, Timeout = TimeSpan.FromSeconds(60) };
        if (token is not null)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    public Task<KubeResponse> GetAsync(string path, CancellationToken cancel) => SendAsync(HttpMethod.Get, path, cancel);

    public Task<KubeResponse> PostAsync(string path, JsonNode body, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, path, cancel, JsonContent.Create(body));

    public Task<KubeResponse> PutAsync(string path, JsonNode body, CancellationToken cancel) =>
        SendAsync(HttpMethod.Put, path, cancel, JsonContent.Create(body));

    public Task<KubeResponse> DeleteAsync(string path, CancellationToken cancel) => SendAsync(HttpMethod.Delete, path, cancel);

    /// <param name="type"><see cref="StrategicMergePatch"/> or <see cref="MergePatch"/>.</param>
    public Task<KubeResponse> PatchAsync(string path, JsonNode patch, CancellationToken cancel, string type = StrategicMergePatch) =>
        SendAsync(HttpMethod.Patch, path, cancel, new StringContent(patch.ToJsonString(), Encoding.UTF8, type));

    public async Task<KubeResponse> SendAsync(HttpMethod method, string path, CancellationToken cancel, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        using var response = await http.SendAsync(request, cancel);
        var text = await response.Content.ReadAsStringAsync(cancel);
        var isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
        return new KubeResponse(response.StatusCode, isJson ? JsonNode.Parse(text) : null, text);
    }

    /// <summary>The events of a watch, each with <c>type</c> and <c>object</c>, until the server ends it.</summary>
    /// <param name="path">With <c>watch=true</c>.</param>
    /// <exception cref="TestbedException">The server rejects the watch.</exception>
    public async IAsyncEnumerable<JsonNode> WatchAsync(string path, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
        if (!response.IsSuccessStatusCode)
        {
            throw new TestbedException($"kube-apiserver: {(int)response.StatusCode} {await reader.ReadToEndAsync(cancel)}");
        }
        while (await reader.ReadLineAsync(cancel) is { } line)
        {
            yield return JsonNode.Parse(line)!;
        }
    }

    public void Dispose() => http.Dispose();
}
