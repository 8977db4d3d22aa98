using System.Net;
using System.Net.Sockets;
using System.Text;
using Flannel.Core;
using Flanneld.Host;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Serves GET and HEAD of <c>/healthz</c>, <c>/livez</c>, <c>/readyz[?verbose]</c> and <c>/metrics</c> over HTTP/1.1, one request
/// per connection. ASP.NET Core costs 5 MB of executable and 10 MB of memory (docs/adr/0005), too much for four read-only paths. Every read
/// and write is bounded in size and time, and so is the number of connections: above the limit, the connection that has sent no request for
/// the longest time is closed, so that a probe never waits for idle connections.</summary>
internal sealed class HealthServer(IHealth health, TimeProvider time, ILogger logger)
{
    internal const int MaxConnections = 32;
    private const int MaxRequestBytes = 8192;
    private const int Backlog = 64;

    /// <summary>The readiness text of a ready node, which <c>flanneld healthcheck</c> looks for.</summary>
    public const string ReadyText = "flanneld is ready";

    /// <summary>The beginning of the line of a failing check, which commands look for.</summary>
    public const string FailedMark = "[-]";

    private const string PassedMark = "[+]";

    /// <summary>For a whole request, also when its bytes arrive slowly.</summary>
    internal static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();

    /// <summary>In the order of their acceptance.</summary>
    private readonly List<Connection> connections = [];

    /// <summary>Binds the address and listens. Fails when the address cannot be used.</summary>
    public Result<Socket> Listen(IPEndPoint endpoint)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endpoint.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen(Backlog);
            HostLog.HealthListening(logger, socket.LocalEndPoint!);
            return socket;
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            return Result.Failure(
                $"cannot listen on --healthz-ip {endpoint.Address} --healthz-port {endpoint.Port}: {Describe(e, endpoint)}");
        }
    }

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="OperationCanceledException">Cancelled. The method ends in no other way.</exception>
    public async Task RunAsync(Socket listener, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                _ = ServeAsync(Add(await listener.AcceptAsync(cancellation)), cancellation);
            }
            catch (SocketException)
            {
                // The peer closed the connection before it was accepted, or file descriptors ran out.
                await Task.Delay(AcceptPause, time, cancellation);
            }
        }
    }

    internal static string Describe(SocketException e, IPEndPoint endpoint) => e.SocketErrorCode switch
    {
        SocketError.AddressFamilyNotSupported => "this host has no IPv6; use an IPv4 address such as 0.0.0.0",
        SocketError.AddressAlreadyInUse => "another program listens on it; choose another port",
        SocketError.AddressNotAvailable => "it is not an address of this host; use 0.0.0.0 for all addresses",
        SocketError.AccessDenied => $"port {endpoint.Port} is privileged; use one from 1024 on",
        _ => e.Message,
    };

    private Connection Add(Socket socket)
    {
        var added = new Connection(socket, new CancellationTokenSource(RequestTimeout, time));
        Connection? closed = null;
        lock (gate)
        {
            if (connections.Count >= MaxConnections)
            {
                closed = connections.Find(connection => !connection.HasRequest) ?? connections[0];
                connections.Remove(closed);
            }

            connections.Add(added);
        }

        closed?.Limit.Cancel();
        return added;
    }

    private async Task ServeAsync(Connection connection, CancellationToken cancellation)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(connection.Limit.Token, cancellation);
        try
        {
            var head = await ReadHeadAsync(connection.Socket, both.Token);
            connection.HasRequest = true;
            connection.Limit.CancelAfter(ResponseTimeout);
            var response = head is null ? CreateResponse(400, "bad request\n", "GET") : Respond(head);
            for (var sent = 0; sent < response.Length;)
                sent += await connection.Socket.SendAsync(response.AsMemory(sent), both.Token);
            connection.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // A peer that is too slow, or has closed the connection, gets no response.
        }
        finally
        {
            lock (gate) connections.Remove(connection);
            connection.Socket.Dispose();
            // Not disposed: Add may still cancel the token of a connection that it closes.
            connection.Limit.Cancel();
        }
    }

    /// <summary>The request line and headers; null when they are too long or incomplete.</summary>
    private static async Task<string?> ReadHeadAsync(Socket connection, CancellationToken cancellation)
    {
        var buffer = new byte[MaxRequestBytes];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = await connection.ReceiveAsync(buffer.AsMemory(length), cancellation);
            if (read == 0) return null;
            length += read;
            if (buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0) return Encoding.Latin1.GetString(buffer, 0, length);
        }

        return null;
    }

    private byte[] Respond(string head)
    {
        var parts = head.AsSpan(0, head.IndexOf('\r')).ToString().Split(' ');
        if (parts is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"]) return CreateResponse(400, "bad request\n", "GET");
        if (method is not ("GET" or "HEAD")) return CreateResponse(405, "only GET and HEAD\n", method);
        var queryStart = target.IndexOf('?');
        var path = queryStart < 0 ? target : target[..queryStart];
        var query = queryStart < 0 ? "" : target[(queryStart + 1)..];
        var isVerbose = query.Split('&').Any(parameter => parameter is "verbose" or "verbose=" or "verbose=true" or "verbose=1");
        return path switch
        {
            "/healthz" or "/livez" => Liveness(method),
            "/readyz" => Readiness(isVerbose, method),
            "/metrics" => CreateResponse(200, health.Metrics(), method, "text/plain; version=0.0.4; charset=utf-8"),
            _ => CreateResponse(404, "paths: /healthz /readyz /readyz?verbose /metrics\n", method),
        };
    }

    /// <summary>The text of success is upstream's, which its users' probes may look for.</summary>
    private byte[] Liveness(string method) => health.Hung is { } stuck
        ? CreateResponse(503, $"flanneld hangs: {stuck}\n", method)
        : CreateResponse(200, "flanneld is running\n", method);

    private byte[] Readiness(bool isVerbose, string method)
    {
        var checks = health.Checks;
        var isReady = checks.All(check => check.Ok);
        var text = new StringBuilder();
        if (isVerbose || !isReady)
        {
            foreach (var check in checks)
            {
                text.Append(check.Ok ? PassedMark : FailedMark).Append(check.Name).Append(check.Ok ? " ok" : " failed");
                if (check.Detail.Length > 0) text.Append(": ").Append(check.Detail);
                text.Append('\n');
            }
        }

        text.Append(isReady ? ReadyText : "flanneld is not ready").Append('\n');
        return CreateResponse(isReady ? 200 : 503, text.ToString(), method);
    }

    private static byte[] CreateResponse(int status, string body, string method, string contentType = "text/plain; charset=utf-8")
    {
        var content = Encoding.UTF8.GetBytes(body);
        var reason = status switch
        {
            200 => "OK",
            404 => "Not Found",
            405 => "Method Not Allowed",
            503 => "Service Unavailable",
            _ => "Bad Request",
        };
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} {reason}\r\nContent-Type: {contentType}\r\nContent-Length: {content.Length}\r\n"
            + (status == 405 ? "Allow: GET, HEAD\r\n" : "") + "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
        return method == "HEAD" ? head : [.. head, .. content];
    }

    /// <param name="Limit">Closes the connection when it is cancelled: after its time, or above the limit of connections.</param>
    private sealed record Connection(Socket Socket, CancellationTokenSource Limit)
    {
        public volatile bool HasRequest;
    }
}
