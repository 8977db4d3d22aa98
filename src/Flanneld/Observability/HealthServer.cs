using System.Net;
using System.Net.Sockets;
using System.Text;
using Flannel.Etcd.Client;
using Flanneld.Commands;
using Flanneld.Host;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>What the health paths answer from.</summary>
internal interface IHealth
{
    /// <summary>What hangs, for ever as it seems: only a restart helps. Null when nothing does.</summary>
    string? Hung { get; }

    /// <summary>The checks of readiness, in order; the node is ready when all are true.</summary>
    IReadOnlyList<(string Name, bool Ok, string Detail)> Checks { get; }

    /// <summary>In Prometheus' text format 0.0.4, LF at the end.</summary>
    string Metrics();
}

/// <summary>GET or HEAD of <c>/healthz</c>, <c>/livez</c>, <c>/readyz[?verbose]</c>, <c>/metrics</c> over HTTP/1.1, one request a connection. A web server
/// of the framework costs 5 MB of executable and 10 MB of memory (docs/adr/0005); four read-only paths do not earn that. Every read and
/// write is bounded in size and time, and so is the number of connections: when there are too many, the one that has sent no request for
/// the longest time is closed, so that a probe never waits for connections that are idle.</summary>
internal sealed class HealthServer(IHealth health, TimeProvider time, ILogger logger)
{
    internal const int MaxConnections = 32;
    private const int MaxRequestBytes = 8192;
    private const int Backlog = 64;

    /// <summary>For a whole request, however slowly its bytes come.</summary>
    internal static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();

    /// <summary>In the order in which they were accepted.</summary>
    private readonly List<Connection> connections = [];

    /// <summary>Listens at once; null with one line when the address cannot be had.</summary>
    public Socket? Listen(IPEndPoint endpoint, out string error)
    {
        error = "";
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
            error = $"cannot listen on --healthz-ip {endpoint.Address} --healthz-port {endpoint.Port}: {Describe(e, endpoint)}";
            return null;
        }
    }

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="OperationCanceledException">Always, at the end: also when the cancellation finds it between two connections.</exception>
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
                // The peer was gone before it was accepted, or descriptors ran out: the next accept may do better.
                await Task.Delay(AcceptRetry, time, cancellation);
            }
        }
    }

    internal static string Describe(SocketException e, IPEndPoint endpoint) => e.SocketErrorCode switch
    {
        SocketError.AddressFamilyNotSupported => "this host has no IPv6; use an IPv4 address such as 0.0.0.0",
        SocketError.AddressAlreadyInUse => "another program listens there; choose another port",
        SocketError.AddressNotAvailable => "it is not an address of this host; use 0.0.0.0 for all addresses",
        SocketError.AccessDenied => $"port {endpoint.Port} is privileged; use one from 1024 on",
        _ => e.Message,
    };

    private Connection Add(Socket socket)
    {
        var added = new Connection(socket, new CancellationTokenSource(RequestTime, time));
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
            connection.Limit.CancelAfter(AnswerTime);
            var answer = head is null ? Answer(400, "bad request\n", "GET") : Answer(head);
            for (var sent = 0; sent < answer.Length;)
                sent += await connection.Socket.SendAsync(answer.AsMemory(sent), both.Token);
            connection.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // A peer that is slow or gone gets no answer.
        }
        finally
        {
            lock (gate) connections.Remove(connection);
            connection.Socket.Dispose();
            // Not disposed of: a connection that is closed to make room for another may still be cancelled by this token.
            connection.Limit.Cancel();
        }
    }

    /// <summary>The request line and headers; null when they are too long or end early.</summary>
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

    private byte[] Answer(string head)
    {
        var words = head.AsSpan(0, head.IndexOf('\r')).ToString().Split(' ');
        if (words is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"]) return Answer(400, "bad request\n", "GET");
        if (method is not ("GET" or "HEAD")) return Answer(405, "only GET and HEAD\n", method);
        var question = target.IndexOf('?');
        var path = question < 0 ? target : target[..question];
        var verbose = question >= 0 && target[(question + 1)..].Split('&').Any(p => p is "verbose" or "verbose=" or "verbose=true" or "verbose=1");
        return path switch
        {
            // Upstream's words, which its users' probes may look for.
            "/healthz" or "/livez" => health.Hung is { } hung ? Answer(503, $"flanneld hangs: {hung}\n", method) : Answer(200, "flanneld is running\n", method),
            "/readyz" => Readiness(verbose, method),
            "/metrics" => Answer(200, health.Metrics(), method, "text/plain; version=0.0.4; charset=utf-8"),
            _ => Answer(404, "paths: /healthz /readyz /readyz?verbose /metrics\n", method),
        };
    }

    private byte[] Readiness(bool verbose, string method)
    {
        var checks = health.Checks;
        var ready = checks.All(check => check.Ok);
        var text = new StringBuilder();
        if (verbose || !ready)
        {
            foreach (var (name, ok, detail) in checks)
                text.Append(ok ? "[+]" : "[-]").Append(name).Append(ok ? " ok" : " failed").Append(detail.Length > 0 ? ": " + detail : "").Append('\n');
        }

        text.Append(ready ? Commands.Healthcheck.Ready : "flanneld is not ready").Append('\n');
        return Answer(ready ? 200 : 503, text.ToString(), method);
    }

    private static byte[] Answer(int status, string body, string method, string contentType = "text/plain; charset=utf-8")
    {
        var content = Encoding.UTF8.GetBytes(body);
        var reason = status switch { 200 => "OK", 404 => "Not Found", 405 => "Method Not Allowed", 503 => "Service Unavailable", _ => "Bad Request" };
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} {reason}\r\nContent-Type: {contentType}\r\nContent-Length: {content.Length}\r\n"
            + (status == 405 ? "Allow: GET, HEAD\r\n" : "") + "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
        return method == "HEAD" ? head : [.. head, .. content];
    }

    /// <param name="Limit">Ends the connection when its time is over, or when its place is needed.</param>
    private sealed record Connection(Socket Socket, CancellationTokenSource Limit)
    {
        public volatile bool HasRequest;
    }
}
