using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace AliCloud.Simulator.Hosting;

/// <summary>Passes the requests of a client to a service in the same process, with the same bytes as on a socket.</summary>
internal sealed class InProcessHandler(RequestDelegate service) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = new DefaultHttpContext();
        var lifetime = new Lifetime();
        context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = request.RequestUri!.PathAndQuery;
        context.Request.Method = request.Method.Method;
        foreach (var (name, values) in request.Headers.NonValidated) context.Request.Headers[name] = values.ToArray();
        context.Request.Headers.Host = request.Headers.Host ?? request.RequestUri.Authority;
        if (request.Content is { } content)
        {
            context.Request.Body = new MemoryStream(await content.ReadAsByteArrayAsync(cancellationToken));
            foreach (var (name, values) in content.Headers.NonValidated) context.Request.Headers[name] = values.ToArray();
        }

        using var body = new MemoryStream();
        context.Response.Body = body;
        await service(context);
        if (lifetime.IsAborted) throw new HttpRequestException(HttpRequestError.ResponseEnded, "the connection was reset");

        var response = new HttpResponseMessage((HttpStatusCode)context.Response.StatusCode)
        {
            RequestMessage = request,
            Content = new ByteArrayContent(body.ToArray()),
        };
        foreach (var (name, values) in context.Response.Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(
                name, (IEnumerable<string?>)values)) response.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return response;
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public bool IsAborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => IsAborted = true;
    }
}
