using System.Text;

namespace Flanneld.Observability;

/// <summary>Standard error for the logger's thread. It counts the writes that have ended, and drops what cannot be written, such as to a
/// file on a full disk: the next write may succeed. Thread-safe behind <see cref="TextWriter.Synchronized"/>.</summary>
internal sealed class StandardErrorWriter(TextWriter standardError) : TextWriter
{
    private long ended;

    public override Encoding Encoding => standardError.Encoding;

    /// <summary>How many texts have been written.</summary>
    public long Ended => Interlocked.Read(ref ended);

    public override void Write(char value) => standardError.Write(value);

    public override void Write(string? value)
    {
        try
        {
            standardError.Write(value);
        }
        catch (IOException)
        {
            // There is no other place to report it.
        }
        finally
        {
            Interlocked.Increment(ref ended);
        }
    }

    public override void Flush() => standardError.Flush();
}
