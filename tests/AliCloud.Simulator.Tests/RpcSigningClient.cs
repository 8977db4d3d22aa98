using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace AliCloud.Simulator.Tests;

/// <summary>Calls the ECS API with the older signature, as flannel v0.19.2 does, and lets a test change every part.</summary>
internal sealed class RpcSigningClient(Uri api, TimeProvider time, string accessKeyId = Clouds.KeyId, string secret = Clouds.Secret)
    : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private int _nonce;

    public HttpMethod Method { get; init; } = HttpMethod.Get;

    /// <summary>Changes the parameters before they are signed.</summary>
    public Action<SortedDictionary<string, string>>? BeforeSigning { get; init; }

    /// <summary>Changes the query after signing.</summary>
    public Func<string, string>? AfterSigning { get; init; }

    public HttpContent? Content { get; init; }

    public void Dispose() => _http.Dispose();

    public async Task<ApiReply> CallAsync(string action, params (string Name, string Value)[] parameters)
    {
        var query = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["Format"] = "JSON",
            ["Version"] = "2014-05-26",
            ["AccessKeyId"] = accessKeyId,
            ["SignatureMethod"] = "HMAC-SHA1",
            ["SignatureVersion"] = "1.0",
            ["SignatureNonce"] = string.Create(CultureInfo.InvariantCulture, $"nonce-{GetHashCode()}-{++_nonce}"),
            ["Timestamp"] = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["Action"] = action,
        };
        foreach (var (name, value) in parameters) query[name] = value;
        BeforeSigning?.Invoke(query);
        var canonical = string.Join('&', query.Select(p => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(p.Value)}"));
        var toSign = $"{Method}&%2F&{Uri.EscapeDataString(canonical)}";
#pragma warning disable CA5350 // The protocol prescribes the algorithm.
        var signature = Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret + "&"), Encoding.UTF8.GetBytes(toSign)));
#pragma warning restore CA5350
        var sent = $"{canonical}&Signature={Uri.EscapeDataString(signature)}";

        using var request = new HttpRequestMessage(Method, new Uri(api, "/?" + (AfterSigning?.Invoke(sent) ?? sent)));
        request.Content = Content;
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new ApiReply((int)response.StatusCode, JsonNode.Parse(text)!, response.Headers);
    }
}
