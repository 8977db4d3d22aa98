using System.Net;
using System.Text;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>Replaces the network. The test chooses the responses.</summary>
internal sealed class StubHandler(Func<HttpRequestMessage, int, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
{
    private int calls;

    public List<SentRequest> Requests { get; } = [];

    public static StubHandler Always(HttpStatusCode status, string body) => new((_, _, _) => Task.FromResult(Answer(status, body)));

    public static HttpResponseMessage Answer(HttpStatusCode status, string body, params (string Name, string Value)[] headers)
    {
        var response = new HttpResponseMessage(status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        foreach (var (name, value) in headers) response.Headers.TryAddWithoutValidation(name, value);
        return response;
    }

    public static HttpResponseMessage Error(string code, params (string Name, string Value)[] headers) =>
        Answer(HttpStatusCode.BadRequest, $$"""{"Code":"{{code}}","Message":"m","RequestId":"R-1","HostId":"h"}""", headers);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        int n;
        lock (Requests)
        {
            Requests.Add(new SentRequest(request.RequestUri!, request.Headers.Host,
                request.Headers.NonValidated.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            n = calls++;
        }

        return answer(request, n, cancellationToken);
    }
}

internal sealed record SentRequest(Uri Address, string? Host, IReadOnlyDictionary<string, string> Headers);
