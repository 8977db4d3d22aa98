namespace Flannel.AliCloud.Http;

/// <summary>Reads a response body up to a limit, so that an unexpected server cannot exhaust the memory.</summary>
internal static class BoundedBody
{
    private const int DefaultBufferBytes = 4096;

    /// <returns>Null if the body is larger than <paramref name="limit"/> bytes.</returns>
    public static async Task<byte[]?> ReadAsync(HttpContent content, int limit, CancellationToken cancellation)
    {
        var announced = content.Headers.ContentLength;
        if (announced > limit) return null;
        await using var stream = await content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[Math.Min(limit, announced is { } bytes ? Math.Max((int)bytes, 1) : DefaultBufferBytes)];
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                // One more byte tells whether the body ends at the limit.
                if (length == limit) return await stream.ReadAsync(new byte[1], cancellation) == 0 ? buffer : null;
                Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, limit));
            }

            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
            if (read == 0) return length == buffer.Length ? buffer : buffer[..length];
            length += read;
        }
    }
}
