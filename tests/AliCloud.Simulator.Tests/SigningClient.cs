using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace AliCloud.Simulator.Tests;

/// <summary>A response of the API.</summary>
internal sealed record ApiReply(int Status, JsonNode Body, HttpResponseHeaders Headers)
{
    /// <summary>The error code; null for a success.</summary>
    public string? ErrorCode => (string?)Body["Code"];

    public void MustSucceed() => Assert.True(Status == 200, $"{Status} {Body}");

    public void MustFail(int status, string code) => Assert.Equal((status, code), (Status, ErrorCode));
}

/// <summary>Signs as the public page of ACS3-HMAC-SHA256 describes, and lets a test change every part.</summary>
internal sealed class SigningClient(
    Uri api, TimeProvider time, string accessKeyId = Clouds.KeyId, string secret = Clouds.Secret, string? token = null)
    : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private int _nonce;

    public string Version { get; init; } = "2016-04-28";

    /// <summary>True if the parameters are in the body, as a form.</summary>
    public bool SendsForm { get; init; }
    public HttpMethod Method { get; init; } = HttpMethod.Post;
    public Func<string>? Nonce { get; init; }
    public TimeSpan ClockError { get; init; }

    /// <summary>Changes the headers before they are signed.</summary>
    public Action<SortedDictionary<string, string>>? BeforeSigning { get; init; }

    /// <summary>Changes the request after signing.</summary>
    public Action<HttpRequestMessage>? AfterSigning { get; init; }

    public void Dispose() => _http.Dispose();

    public async Task<ApiReply> CallAsync(string action, params (string Name, string Value)[] parameters)
    {
        using var response = await SendAsync(action, parameters);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new ApiReply((int)response.StatusCode, JsonNode.Parse(text)!, response.Headers);
    }

    public async Task<HttpResponseMessage> SendAsync(string action, params (string Name, string Value)[] parameters)
    {
        var encoded = string.Join('&', parameters
            .Select(p => (Name: Encode(p.Name), Value: Encode(p.Value)))
            .OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name}={p.Value}"));
        var (query, body) = SendsForm ? ("", Encoding.ASCII.GetBytes(encoded)) : (encoded, []);
        var bodyHash = Hex(SHA256.HashData(body));
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = api.Authority,
            ["x-acs-action"] = action,
            ["x-acs-version"] = Version,
            ["x-acs-date"] = (time.GetUtcNow() + ClockError).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["x-acs-signature-nonce"] = Nonce?.Invoke() ?? $"nonce-{accessKeyId}-{GetHashCode()}-{Interlocked.Increment(ref _nonce)}",
            ["x-acs-content-sha256"] = bodyHash,
        };
        if (token is not null) headers["x-acs-security-token"] = token;
        if (SendsForm) headers["content-type"] = "application/x-www-form-urlencoded";
        BeforeSigning?.Invoke(headers);
        var signedHeaders = string.Join(';', headers.Keys);
        var canonical = $"{Method}\n/\n{query}\n{string.Concat(headers.Select(h => $"{h.Key}:{h.Value}\n"))}\n{signedHeaders}\n{bodyHash}";
        var toSign = "ACS3-HMAC-SHA256\n" + Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
        var signature = Hex(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(toSign)));

        using var request = new HttpRequestMessage(Method, new Uri(api, SendsForm ? "/" : "/?" + query));
        if (SendsForm)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", headers["content-type"]);
        }

        foreach (var (name, value) in headers.Where(h => h.Key is not ("host" or "content-type"))) request.Headers.TryAddWithoutValidation(
            name, value);
        request.Headers.TryAddWithoutValidation("Authorization",
            $"ACS3-HMAC-SHA256 Credential={accessKeyId},SignedHeaders={signedHeaders},Signature={signature}");
        AfterSigning?.Invoke(request);
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    // Uri.EscapeDataString does not encode exactly the unreserved characters of RFC 3986.
    private static string Encode(string text) => Uri.EscapeDataString(text);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
