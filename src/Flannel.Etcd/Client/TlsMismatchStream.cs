namespace Flannel.Etcd.Client;

/// <summary>A connection in clear text that hears when the other side speaks TLS: HttpClient takes that for any broken
/// connection.</summary>
/// <param name="tell">Called once: why this cannot work, or null when the other side speaks HTTP.</param>
internal sealed class TlsMismatchStream(Stream inner, Action<string?> tell) : Stream
{
    // Go's TLS answers clear text with an alert record, or with nothing; HTTP/2 begins with a frame's length, and none is that long.
    private const byte AlertRecord = 0x15;
    private const byte TlsMajorVersion = 0x03;
    private bool heard;

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        if (!heard && buffer.Length > 0) Hear(buffer.Span[..count]);
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
    public override void Flush() => inner.Flush();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("HttpClient reads asynchronously");
    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    private void Hear(ReadOnlySpan<byte> first)
    {
        heard = true;
        tell(first switch
        {
            [AlertRecord, TlsMajorVersion, ..] => "answers http with TLS: it speaks https",
            [] => "closed the connection without a word (does it speak https?)",
            _ => null,
        });
    }
}
