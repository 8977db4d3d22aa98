using System.Text.Json;
using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Client.Wire;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>Reads the lines of one open watch of nodes. Not thread-safe.</summary>
/// <param name="name">The only node whose events are returned; null for all.</param>
internal sealed class NodeWatch(ApiRequest request, ApiResponse response, string? name, TimeProvider time)
{
    private readonly LineReader lines = new(response.Body, KubeLimits.Object);

    /// <returns>Null at the end of the watch.</returns>
    public async Task<KubeNodeEvent?> NextAsync(CancellationToken cancellation)
    {
        using var stall = new TimeLimit(KubeLimits.WatchStall, time, cancellation);
        try
        {
            while (true)
            {
                if (await lines.ReadAsync(stall.Token) is not { } line) return null;
                if (Parse(line.Span) is { } parsed) return parsed;
                stall.Restart(KubeLimits.WatchStall);
            }
        }
        catch (Exception e) when (TransportErrors.Describes(e, cancellation))
        {
            throw stall.HasPassed
                ? new KubeException(
                    KubeErrorKind.TimedOut,
                    $"{request.DisplayName}: no event from {Server} within {KubeLimits.WatchStall.TotalSeconds:0.#} s", inner: e)
                : TransportErrors.FromException(request, response.Connection, e, hasPassed: false);
        }
    }

    private string Server => response.Connection.Access.DisplayName;

    /// <returns>Null for a line that the reader does not need.</returns>
    private KubeNodeEvent? Parse(ReadOnlySpan<byte> line)
    {
        if (line.Trim(" \r\t"u8).IsEmpty) return null;
        var type = JsonSerializer.Deserialize(line, KubeJson.Default.WatchTypeDocument)?.Type;
        if (type == WatchTypeDocument.Error)
            throw Failure(JsonSerializer.Deserialize(line, KubeJson.Default.WatchErrorDocument)?.Object);
        // API servers may add types.
        if (type is not (WatchTypeDocument.Added or WatchTypeDocument.Modified or WatchTypeDocument.Deleted or WatchTypeDocument.Bookmark))
            return null;
        var document = JsonSerializer.Deserialize(line, KubeJson.Default.WatchNodeDocument)?.Object ?? throw new JsonException("no object");
        if (type == WatchTypeDocument.Bookmark) return Bookmark(document);
        var node = document.ToNode();
        if (!node.Ok) throw new KubeException(KubeErrorKind.Invalid, $"{request.DisplayName}: {Server} sent {node.Error}");
        if (name is not null && node.Value.Name != name) return null;
        return type == WatchTypeDocument.Deleted ? new KubeNodeEvent.Deleted(node.Value) : new KubeNodeEvent.Changed(node.Value);
    }

    private static KubeNodeEvent.Bookmark? Bookmark(NodeDocument document) =>
        document.Metadata?.ResourceVersion is { Length: > 0 } version ? new KubeNodeEvent.Bookmark(version) : null;

    private KubeException Failure(StatusDocument? status) =>
        ApiErrors.FromResponse(request, response.Connection.Access, status?.Code ?? 500, status, "", retryAfter: null);
}
