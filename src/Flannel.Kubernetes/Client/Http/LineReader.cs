namespace Flannel.Kubernetes.Client.Http;

/// <summary>Reads lines that end in a line feed. What follows the last line feed is half a line, and is dropped.</summary>
/// <param name="limit">Bytes of a line.</param>
internal sealed class LineReader(Stream stream, int limit)
{
    private const int FirstBuffer = 16 << 10;

    private byte[] buffer = new byte[FirstBuffer];
    private int start;
    private int scanned;
    private int end;

    /// <returns>Valid until the next call. Null at the end of the stream.</returns>
    /// <exception cref="ResponseTooLargeException">The line is longer than the limit.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var index = buffer.AsSpan(scanned, end - scanned).IndexOf((byte)'\n');
            if (index >= 0)
            {
                var line = buffer.AsMemory(start, scanned + index - start);
                start = scanned = scanned + index + 1;
                return line;
            }

            scanned = end;
            MakeSpace();
            var read = await stream.ReadAsync(buffer.AsMemory(end), cancellation);
            if (read == 0) return null;
            end += read;
        }
    }

    private void MakeSpace()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, scanned, end) = (0, scanned - start, end - start);
        }

        if (end < buffer.Length) return;
        if (buffer.Length >= limit) throw new ResponseTooLargeException(limit);
        Array.Resize(ref buffer, Math.Min(buffer.Length * 2, limit));
    }
}
