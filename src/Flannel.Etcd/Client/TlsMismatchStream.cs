namespace Flannel.Etcd.Client;

/// <summary>A connection in clear text that detects a server that requires TLS, which HttpClient reports as a broken connection.</summary>
/// <param name="report">Called once: with the reason, or with null if the server speaks HTTP.</param>
internal sealed class TlsMismatchStream(Stream inner, Action<string?> report) : Stream
{
    // Go's TLS responds to clear text with an alert record, or closes the connection. HTTP/2 begins with a frame's length, which is never
    // that large.
    private const byte AlertRecord = 0x15;
    private const byte TlsMajorVersion = 0x03;
    private bool isReported;

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
        if (!isReported && buffer.Length > 0) Report(buffer.Span[..count]);
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

    private void Report(ReadOnlySpan<byte> first)
    {
        isReported = true;
        report(first switch
        {
            [AlertRecord, TlsMajorVersion, ..] => "answers http with TLS: it speaks https",
            [] => "closed the connection without a response (does it speak https?)",
            _ => null,
        });
    }
}
