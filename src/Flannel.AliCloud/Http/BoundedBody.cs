namespace Flannel.AliCloud.Http;

/// <summary>Reads answers no further than a limit: what answers may not be what was asked for.</summary>
internal static class BoundedBody
{
    /// <returns>Null when the body is larger than <paramref name="limit"/> bytes.</returns>
    public static async Task<byte[]?> ReadAsync(HttpContent content, int limit, CancellationToken cancellation)
    {
        if (content.Headers.ContentLength > limit) return null;
        await using var stream = await content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[Math.Min(limit, content.Headers.ContentLength is { } known ? Math.Max((int)known, 1) : 4096)];
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                // One byte more tells whether the limit was the end.
                if (length == limit) return await stream.ReadAsync(new byte[1], cancellation) == 0 ? buffer : null;
                Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, limit));
            }

            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
            if (read == 0) return length == buffer.Length ? buffer : buffer[..length];
            length += read;
        }
    }
}
