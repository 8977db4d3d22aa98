using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Flannel.Core;

namespace Flanneld.Commands.Check.Facts;

/// <summary>Asks a running Docker for its version, through its socket.</summary>
internal static class DockerSocket
{
    public const string Path = "/run/docker.sock";

    private const int MaxResponseBytes = 64 * 1024;

    // HTTP/1.0: the response ends with the connection, and has no chunks.
    private static readonly byte[] Request = "GET /version HTTP/1.0\r\nHost: docker\r\n\r\n"u8.ToArray();

    /// <returns>Such as <c>28.5.2</c>; fails with one line.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<Result<string>> ReadVersionAsync(string path, CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            await socket.SendAsync(Request, cancellation);
            var buffer = new byte[MaxResponseBytes];
            var length = 0;
            while (length < buffer.Length && await socket.ReceiveAsync(buffer.AsMemory(length), cancellation) is var count and > 0)
                length += count;
            return ReadVersion(Encoding.UTF8.GetString(buffer, 0, length));
        }
        catch (SocketException e)
        {
            return Result.Failure($"{path}: {e.Message}");
        }
    }

    private static Result<string> ReadVersion(string response)
    {
        var unexpected = Result.Failure("its socket gives an unexpected response");
        var body = response.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (body < 0) return unexpected;
        try
        {
            using var document = JsonDocument.Parse(response[(body + 4)..]);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("Version", out var version) && version.GetString() is { Length: > 0 } text
                && !text.Any(char.IsControl)
                    ? text
                    : unexpected;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return unexpected;
        }
    }
}
