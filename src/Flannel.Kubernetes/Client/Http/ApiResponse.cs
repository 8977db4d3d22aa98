using System.Net;
using Flannel.Kubernetes.Client.Access;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>A successful response whose body has not been read yet.</summary>
internal sealed class ApiResponse(HttpResponseMessage response, Stream body, ApiConnection.Use use) : IDisposable
{
    public HttpStatusCode HttpStatus => response.StatusCode;

    public Stream Body => body;

    public ApiConnection Connection => use.Connection;

    public void Dispose()
    {
        body.Dispose();
        response.Dispose();
        use.Dispose();
    }
}
