using System.Net.Sockets;
using System.Text.Json;
using Flannel.Core;
using Flannel.Kubernetes.Client.Access;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>Describes why a request has no usable response.</summary>
internal static class TransportErrors
{
    private static readonly HttpRequestError[] NothingSent =
    [
        HttpRequestError.NameResolutionError, HttpRequestError.ConnectionError, HttpRequestError.SecureConnectionError,
        HttpRequestError.ProxyTunnelError, HttpRequestError.VersionNegotiationError,
    ];

    /// <summary>True for the exceptions that <see cref="FromException"/> describes. Those of the caller's cancellation are not among
    /// them.</summary>
    public static bool Describes(Exception e, CancellationToken caller) =>
        e is HttpRequestException or IOException or JsonException || (e is OperationCanceledException && !caller.IsCancellationRequested);

    /// <param name="hasPassed">Whether the time limit of the request has passed.</param>
    public static KubeException FromException(ApiRequest request, ApiConnection connection, Exception e, bool hasPassed)
    {
        var server = connection.Access.DisplayName;
        return e switch
        {
            _ when hasPassed => New(KubeErrorKind.TimedOut, $"no response from {server} within {request.Limit.TotalSeconds:0.#} s", true),
            // SocketsHttpHandler reports its ConnectTimeout as a cancellation.
            OperationCanceledException =>
                New(KubeErrorKind.Unavailable, $"no connection to {server} within {KubeLimits.Connect.TotalSeconds:0.#} s", false),
            ResponseTooLargeException => New(KubeErrorKind.Invalid, $"{server}: {e.Message}", true),
            JsonException => New(KubeErrorKind.Invalid, $"{server} responds with something else than the expected object", true),
            HttpRequestException http => New(
                http.HttpRequestError == HttpRequestError.SecureConnectionError && IsTls(http, connection)
                    ? KubeErrorKind.Tls
                    : KubeErrorKind.Unavailable,
                Describe(http, connection), !NothingSent.Contains(http.HttpRequestError)),
            _ => New(KubeErrorKind.Unavailable, $"{server} closed the connection: {OneLine(e.Message)}", true),
        };

        KubeException New(KubeErrorKind kind, string message, bool wasSent) =>
            new(kind, $"{request.DisplayName}: {message}", request.IsWrite && wasSent, e);
    }

    /// <summary>A server that stops closes the connection during the handshake, which is not a problem of certificates.</summary>
    private static bool IsTls(HttpRequestException e, ApiConnection connection) =>
        connection.CertificateProblem is not null || e.InnerException is System.Security.Authentication.AuthenticationException;

    private static string Describe(HttpRequestException e, ApiConnection connection)
    {
        var server = connection.Access.DisplayName;
        var proxy = connection.ProxyName;
        return e.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError =>
                connection.CertificateProblem ?? $"{server}: TLS handshake failed: {OneLine((e.InnerException ?? e).Message)}",
            HttpRequestError.ProxyTunnelError => $"the proxy {proxy} rejects the connection to {server}",
            _ when proxy is not null => $"{server} through the proxy {proxy}: {Reason(e)}",
            _ => $"{server}: {Reason(e)}",
        };
    }

    /// <summary>The messages of HttpClient quote the complete address of a proxy.</summary>
    private static string Reason(HttpRequestException e)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException socket) return Reason(socket);
        }

        return e.HttpRequestError switch
        {
            HttpRequestError.ResponseEnded => "the connection was closed before the response",
            HttpRequestError.InvalidResponse => "the response is not HTTP (is it https?)",
            HttpRequestError.HttpProtocolError => "the connection broke",
            _ => OneLine((e.InnerException ?? e).Message),
        };
    }

    private static string Reason(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostNotFound or SocketError.NoData => "the name does not resolve",
        SocketError.TryAgain => "no answer from the name service",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route to host",
        SocketError.TimedOut => "connection timed out",
        _ => OneLine(e.Message),
    };

    private static string OneLine(string text) => PrintableText.Of(text.ReplaceLineEndings(" "));
}
