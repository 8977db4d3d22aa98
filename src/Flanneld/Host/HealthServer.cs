using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

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
/// write is bounded in size and time, and so is the number of connections.</summary>
internal sealed class HealthServer(IHealth health, TimeProvider time, ILogger logger) : IDisposable
{
    private const int MaxConnections = 32;
    private const int MaxRequestBytes = 8192;
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim places = new(MaxConnections);

    /// <summary>Listens at once; null with one line when the address cannot be had.</summary>
    public Socket? Listen(IPEndPoint endpoint, out string error)
    {
        error = "";
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen(64);
            HostLog.HealthListening(logger, socket.LocalEndPoint!);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            error = $"cannot listen on --healthz-ip {endpoint.Address} --healthz-port {endpoint.Port}: {e.Message}";
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
            await places.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                var connection = await listener.AcceptAsync(cancellation).ConfigureAwait(false);
                _ = ServeAsync(connection, cancellation);
            }
            catch (SocketException)
            {
                // The peer was gone before it was accepted, or descriptors ran out: the next accept may do better.
                places.Release();
                await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellation).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => places.Dispose();

    private async Task ServeAsync(Socket connection, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(RequestTime, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var head = await ReadHeadAsync(connection, both.Token).ConfigureAwait(false);
            var answer = head is null ? Answer(400, "bad request\n", "GET") : Answer(head);
            for (var sent = 0; sent < answer.Length;)
                sent += await connection.SendAsync(answer.AsMemory(sent), both.Token).ConfigureAwait(false);
            connection.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // A peer that is slow or gone gets no answer.
        }
        finally
        {
            connection.Dispose();
            places.Release();
        }
    }

    /// <summary>The request line and headers; null when they are too long or end early.</summary>
    private static async Task<string?> ReadHeadAsync(Socket connection, CancellationToken cancellation)
    {
        var buffer = new byte[MaxRequestBytes];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = await connection.ReceiveAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
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
}
