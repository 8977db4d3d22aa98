using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Flannel.Core;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Wire;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>Sends requests with the present credentials, and throws <see cref="KubeException"/> for each failure. It sends a request
/// once, and a second time only if the API server rejects credentials that are read again. Thread-safe.</summary>
internal sealed class ApiTransport(ApiConnections connections, KubeApiContext context)
{
    private const string Json = "application/json";

    private readonly IKubeObserver observer = context.Observer ?? NoKubeObserver.Instance;

    public IKubeObserver Observer => observer;

    /// <summary>Sends a request and reads the object of the response.</summary>
    public async Task<T> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var limit = new TimeLimit(request.Limit, context.Time, cancellation);
        var started = context.Time.GetTimestamp();
        using var response = await OpenAsync(request, limit, cancellation);
        try
        {
            var read = await JsonSerializer.DeserializeAsync(response.Body, type, limit.Token) ?? throw new JsonException("null");
            Report(request, (int)response.HttpStatus, started);
            return read;
        }
        catch (Exception e) when (TransportErrors.Describes(e, cancellation))
        {
            Report(request, httpStatus: 0, started);
            throw TransportErrors.FromException(request, response.Connection, e, limit.HasPassed);
        }
    }

    /// <summary>Opens a watch.</summary>
    /// <returns>The caller disposes it.</returns>
    public async Task<ApiResponse> OpenAsync(ApiRequest request, CancellationToken cancellation)
    {
        using var limit = new TimeLimit(request.Limit, context.Time, cancellation);
        var started = context.Time.GetTimestamp();
        var response = await OpenAsync(request, limit, cancellation);
        Report(request, (int)response.HttpStatus, started);
        return response;
    }

    private async Task<ApiResponse> OpenAsync(ApiRequest request, TimeLimit limit, CancellationToken cancellation)
    {
        try
        {
            return await OpenOnceAsync(request, limit, cancellation);
        }
        catch (KubeException e) when (e.HttpStatus == (int)HttpStatusCode.Unauthorized)
        {
            // A token that expired since it was read, or a client certificate that expired since the handshake.
            return await OpenOnceAsync(request, limit, cancellation);
        }
    }

    /// <summary>Sends a request once, and reads no more than the headers of a successful response. Failures are reported here.</summary>
    private async Task<ApiResponse> OpenOnceAsync(ApiRequest request, TimeLimit limit, CancellationToken cancellation)
    {
        var started = context.Time.GetTimestamp();
        var prepared = connections.Begin();
        if (!prepared.Ok) throw new KubeException(KubeErrorKind.Tls, $"{request.DisplayName}: {prepared.Error}");
        var use = prepared.Value.Use;
        HttpResponseMessage? response = null;
        try
        {
            var token = prepared.Value.Token;
            if (!token.Ok) throw new KubeException(KubeErrorKind.Unauthorized, $"{request.DisplayName}: {token.Error}");
            using var message = CreateMessage(request, use.Connection.Access, token.Value);
            response = await use.Connection.Http.SendAsync(message, limit.Token);
            var body = new BoundedStream(await response.Content.ReadAsStreamAsync(limit.Token), request.MaxBytes);
            if (response.IsSuccessStatusCode) return new ApiResponse(response, body, use);
            throw await ReadFailureAsync(request, use.Connection, response, limit.Token);
        }
        catch (Exception e)
        {
            response?.Dispose();
            use.Dispose();
            if (e is KubeException failure)
            {
                Report(request, failure.HttpStatus, started);
                if (failure.HttpStatus == (int)HttpStatusCode.Unauthorized) connections.Renew(use.Connection);
            }

            if (!TransportErrors.Describes(e, cancellation)) throw;
            Report(request, httpStatus: 0, started);
            throw TransportErrors.FromException(request, use.Connection, e, limit.HasPassed);
        }
    }

    private HttpRequestMessage CreateMessage(ApiRequest request, ClusterAccess access, Secret token)
    {
        var message = new HttpRequestMessage(request.Method, access.DisplayName + request.PathAndQuery())
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.TryAddWithoutValidation("User-Agent", context.UserAgent);
        message.Headers.TryAddWithoutValidation("Accept", Json);
        if (!token.IsEmpty) message.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token.RevealText()}");
        // SocketsHttpHandler takes the name for TLS from this header.
        if (access.TlsServerName is { } name) message.Headers.Host = name;
        if (request.Body is { } body)
        {
            message.Content = new ByteArrayContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(request.ContentType);
        }

        return message;
    }

    private async Task<KubeException> ReadFailureAsync(
        ApiRequest request, ApiConnection connection, HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await ReadStartAsync(await response.Content.ReadAsStreamAsync(cancellation), cancellation);
        var status = ParseStatus(body);
        var isText = response.Content.Headers.ContentType?.MediaType is "text/plain";
        return ApiErrors.FromResponse(
            request, connection.Access, (int)response.StatusCode, status, isText ? Encoding.UTF8.GetString(body) : "",
            RetryAfter(response.Headers.RetryAfter));
    }

    /// <summary>The beginning of the body of a failure. A connection that breaks meanwhile does not hide the failure.</summary>
    private static async Task<byte[]> ReadStartAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(KubeLimits.Error);
        try
        {
            var count = 0;
            while (count < KubeLimits.Error)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(count, KubeLimits.Error - count), cancellation);
                if (read == 0) break;
                count += read;
            }

            return buffer[..count];
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return [];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <returns>Null if the body is something else.</returns>
    private static StatusDocument? ParseStatus(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, KubeJson.Default.StatusDocument) is { IsStatus: true } status ? status : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var pause = header?.Delta ?? header?.Date - context.Time.GetUtcNow();
        return pause > TimeSpan.Zero ? pause : null;
    }

    private void Report(ApiRequest request, int httpStatus, long started) =>
        observer.RequestEnded(request.Verb, request.ResourceName, httpStatus, context.Time.GetElapsedTime(started));
}
