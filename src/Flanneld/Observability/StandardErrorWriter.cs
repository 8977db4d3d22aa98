using System.Text;

namespace Flanneld.Observability;

/// <summary>Standard error of the process and of the logger's thread. It counts the texts that have been written, and drops what cannot be
/// written, such as to a file on a full disk: the next write may succeed. Thread-safe behind
/// <see cref="TextWriter.Synchronized"/>.</summary>
internal sealed class StandardErrorWriter(TextWriter standardError) : TextWriter
{
    private long ended;

    public override Encoding Encoding => standardError.Encoding;

    /// <summary>How many texts have been written.</summary>
    public long Ended => Interlocked.Read(ref ended);

    public override void Write(char value) => TryWrite(() => standardError.Write(value));

    public override void Write(string? value)
    {
        TryWrite(() => standardError.Write(value));
        Interlocked.Increment(ref ended);
    }

    /// <summary>One write: lines of other processes do not get between the text and its end.</summary>
    public override void WriteLine(string? value) => Write(value + NewLine);

    public override void Flush() => TryWrite(standardError.Flush);

    private static void TryWrite(Action write)
    {
        try
        {
            write();
        }
        catch (IOException)
        {
            // There is no other place to report it.
        }
    }
}
